"""The import-linter contract that holds the table of package borders in pyproject.toml.

A row reads `package: what it may import`. A package always may import itself; the most specific row that
covers a module holds for it, and a package of ours that no row covers breaks the contract. Rows of the
packages in `sealed` list third-party packages too; the standard library is free to all.
"""

from __future__ import annotations

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def covers(package: str, module: str) -> bool:
    return package == "*" or module == package or module.startswith(package + ".")


class Borders(Contract):
    rows = fields.ListField(subfield=fields.StringField())
    sealed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        table = {
            package.strip(): allowed.replace(",", " ").split() for package, allowed in self._split_rows()
        }
        ours = tuple(self.session_options["root_packages"])
        crossings, uncovered = [], []
        for importer in sorted(graph.modules):
            if not any(covers(root, importer) for root in ours) or graph.is_module_squashed(importer):
                continue
            row = max((package for package in table if covers(package, importer)), key=len, default=None)
            if row is None:
                if graph.find_modules_directly_imported_by(importer):
                    uncovered.append(importer)
                continue
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                if covers(row, imported) or any(covers(allowed, imported) for allowed in table[row]):
                    continue
                internal = any(covers(root, imported) for root in ours)
                third_party = imported.split(".")[0] not in sys.stdlib_module_names
                sealed = any(covers(package, row) for package in self.sealed)
                if internal or (third_party and sealed):
                    details = graph.get_import_details(importer=importer, imported=imported)
                    crossings.append(
                        (importer, imported, row, details[0]["line_number"] if details else None)
                    )
        return ContractCheck(
            kept=not crossings and not uncovered, metadata={"crossings": crossings, "uncovered": uncovered}
        )

    def render_broken_contract(self, check: ContractCheck) -> None:
        facts: dict[str, Any] = check.metadata
        for importer, imported, row, line in facts["crossings"]:
            output.print_error(f"{importer}:{line} imports {imported}, which the row of {row} does not allow")
        for module in facts["uncovered"]:
            output.print_error(f"{module} is covered by no row: say what it may import")

    def _split_rows(self) -> list[list[str]]:
        return [row.split(":", 1) for row in self.rows]
