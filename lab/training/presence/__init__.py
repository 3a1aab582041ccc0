"""The presence network: data from scenarios of split `train`, torch to learn, ONNX to run."""
