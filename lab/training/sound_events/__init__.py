"""The sound-event networks: scenes in simulated rooms and recordings of split `train`, torch to learn, ONNX to run."""
