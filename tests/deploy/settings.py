"""The guide's table of settings is the runtime's.

python settings.py host/runtime/src/settings.rs deploy/README.md
"""

import re
import sys

DECLARED = re.compile(r'Declared \{\s*name: "(\w+)",\s*default: "([^"]*)",\s*doc: "([^"]*)",\s*\}')

source, guide = (open(path).read() for path in sys.argv[1:])
declared = DECLARED.findall(source)
assert len(declared) == source.count('    Declared {\n'), "cannot read the declarations"
cell = lambda text: text.replace("|", r"\|")
rows = [f"| `{name}` | {cell(default)} | {cell(doc)} |" for name, default, doc in declared]
missing = [row for row in rows if row not in guide]
if missing:
    sys.exit("the guide lacks these rows:\n" + "\n".join(missing))
strangers = set(re.findall(r"^\| `(FIRSTBYTE_\w+)` \|", guide, re.MULTILINE)) - {name for name, *_ in declared}
if strangers:
    sys.exit(f"the guide lists settings that there are not: {strangers}")
print(f"  {len(rows)} settings")
