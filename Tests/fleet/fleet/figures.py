"""What a run found out, one line a check, as a table at the end."""

from dataclasses import dataclass, field


@dataclass
class Measurement:
    """A figure, and the bound that it kept."""

    what: str
    value: float
    unit: str
    at_most: float

    @property
    def measured(self) -> str:
        return f"{self.what} {self.value:.4g} {self.unit}".strip()

    @property
    def bound(self) -> str:
        return f"<= {self.at_most:g} {self.unit}".strip()


@dataclass
class Step:
    """One test: what it did, on how many hosts, and what it measured."""

    title: str
    hosts: int = 1
    outcome: str = "not run"
    measurements: list[Measurement] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def measure(self, what: str, value: float, unit: str, *, at_most: float) -> None:
        """Records a figure, and fails where it is above its bound."""
        measurement = Measurement(what, value, unit, at_most)
        self.measurements.append(measurement)
        assert value <= at_most, f"{measurement.measured}, bound {measurement.bound}"

    def note(self, text: str) -> None:
        """Records what was found where no bound is promised."""
        self.notes.append(text)

    def rows(self) -> list[tuple[str, ...]]:
        cells = [(m.measured, m.bound) for m in self.measurements] + [(note, "") for note in self.notes]
        first, *rest = cells or [("", "")]
        return [(self.title, str(self.hosts), self.outcome, *first), *(("", "", "", *cell) for cell in rest)]


_HEADER = ("STEP", "HOSTS", "RESULT", "MEASURED", "BOUND")


def table(steps: list[Step]) -> str:
    rows = [_HEADER, *(row for step in steps for row in step.rows())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)
