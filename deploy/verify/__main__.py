"""Asks what ../verify-on-aws.sh has deployed.

python3 verify --stack NAME --work FOLDER [--only TOPIC[,TOPIC…]] [--wait SECONDS]
python3 verify --list
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import bodies
import failures
import heads
import streams
from report import Report
from stack import Refused, Stack

# In this order, because the code behind the doors is only ever changed from the greeting to `endings` and then to the raw
# runtime.
TOPICS = {
    "greeting": (streams.greeting, "the packaged greeting at the three doors"),
    "cold-starts": (streams.cold_starts, "Init Duration in the log"),
    "swap": (streams.swap, "whether a swap leaves the layer alone"),
    "half-way": (failures.half_way, "who learns of a failure half-way, of the types Function.… and Runtime.…"),
    "head-only": (heads.head_only, "whether 200, 204, 302, 304 and HEAD without a body end at once"),
    "large": (streams.large, "responses around 200 MB"),
    "snapstart": (streams.snapstart, "whether SnapStart takes a zip on provided.al2023"),
    "codes": (failures.codes, "which types of an error become ErrorCode"),
    "timeouts": (failures.timeouts, "Lambda's and the REST API's timeouts in mid-stream"),
    "trailers": (failures.trailers, "trailers of about 4 KB"),
    "headers": (heads.headers, "which response headers are renamed, replaced or dropped"),
    "values": (heads.values, "headers that are arrays, numbers, booleans, null, or in multiValueHeaders"),
    "metadata": (heads.metadata, "how large the metadata may be"),
    "content-types": (bodies.content_types, "which content types of a request arrive as text"),
}


def topics(text):
    chosen = text.split(",")
    for topic in chosen:
        if topic not in TOPICS:
            raise argparse.ArgumentTypeError(f"{topic!r} is no topic; there are {', '.join(TOPICS)}")
    return chosen


def main():
    parser = argparse.ArgumentParser(prog="verify", usage=__doc__)
    parser.add_argument("--stack")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--only", type=topics, default=list(TOPICS))
    parser.add_argument("--wait", type=float, default=120)
    parser.add_argument("--list", action="store_true", help="say what the topics are")
    parser.add_argument("--check", action="store_true", help="only check the arguments")
    arguments = parser.parse_args()
    if arguments.list:
        print("Topics:")
        for name, (_, what) in TOPICS.items():
            print(f"  {name:14} {what}")
    if arguments.list or arguments.check:
        return 0

    # What is left there when this is ended goes with the folder.
    tempfile.tempdir = str(arguments.work)
    # Whoever ends this gets the table of what was found so far.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = Report()
    try:
        stack = Stack(arguments.stack, arguments.work, report, arguments.wait)
        for name in (name for name in TOPICS if name in arguments.only):
            try:
                TOPICS[name][0](stack, report)
            except Exception as error:  # the other topics can still be asked
                report.failure(name, error)
    except Refused as error:
        report.failure("everything", error)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    finally:
        print(f"\n{report.table()}", flush=True)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
