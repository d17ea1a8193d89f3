"""The guide's table of settings is the runtime's.

python settings.py host/runtime/src/settings.rs deploy/README.md [--write]
"""

import re
import sys

DECLARED = re.compile(r'Declared \{\s*name: "(\w+)",\s*default: "([^"]*)",\s*doc: "([^"]*)",\s*\}')
ROWS = re.compile(r"(?:^\| `FIRSTBYTE_\w+` \|.*\n)+", re.MULTILINE)

with open(sys.argv[1]) as file:
    source = file.read()
with open(sys.argv[2]) as file:
    guide = file.read()
declared = DECLARED.findall(source)
assert len(declared) == source.count("    Declared {\n"), "cannot read the declarations"
cells = [[cell.replace("|", r"\|") for cell in setting] for setting in declared]
table = "".join(f"| `{name}` | {default} | {doc} |\n" for name, default, doc in cells)

if "--write" in sys.argv:
    with open(sys.argv[2], "w") as file:
        file.write(ROWS.sub(lambda _: table, guide, count=1))
elif ROWS.findall(guide) != [table]:
    sys.exit(f"{sys.argv[2]} lists other settings than {sys.argv[1]}: run {sys.argv[0]} with --write")
print(f"  {len(declared)} settings")
