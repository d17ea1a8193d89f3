"""What was found: each answer as soon as it is there, and all of them as a table at the end."""


class Report:
    def __init__(self):
        self.rows = []
        self.failures = 0

    def ask(self, question):
        print(f"\n{question}", flush=True)

    def row(self, what, until_now, found):
        """One answer; `until_now` is what is documented, captured by others, or assumed."""
        self.rows.append([" ".join(str(cell).split()) for cell in (what, until_now, found)])
        print(f"   {self.rows[-1][0]}: {self.rows[-1][2]}", flush=True)

    def failure(self, what, why):
        """Something that could not be asked."""
        self.failures += 1
        self.row(what, "", f"COULD NOT BE ASKED: {why}")

    def table(self):
        rows = [["Question", "Until now", "Found"]]
        rows += [[cell.replace("|", r"\|") for cell in row] for row in self.rows]
        # What was found may be long, so that its column is not padded.
        widths = [max(len(row[column]) for row in rows) for column in range(2)] + [0]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
        lines.insert(1, "|" + "|".join("-" * (max(width, 3) + 2) for width in widths) + "|")
        return "\n".join(lines)
