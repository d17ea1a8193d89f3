"""Streams as they should be: the packaged greeting, cold starts, a swap, long responses, and SnapStart."""

from stack import Refused, aws

MIB = 1 << 20


def greeting(stack, report):
    report.ask("Does the packaged greeting stream, the first line at once and the second two seconds later?")
    stack.use("greeting")
    for door in stack.doors:
        report.row(f"greeting, {door.name}", "emulator: yes", door.send({"name": "hoge"}))


def cold_starts(stack, report):
    report.ask("How long does a cold start take?")
    stack.use("greeting")

    def durations(records):
        found = [record.get("metrics", {}).get("initDurationMs") for record in records]
        return sorted(duration for duration in found if duration)

    records = stack.reports(lambda records: len(durations(records)) >= len(stack.doors))
    report.row("Init Duration, ms", "unknown", ", ".join(map(str, durations(records))) or "not in the log")


def swap(stack, report):
    report.ask("Does a swap leave the layer's version alone?")
    before = layers(stack)
    stack.use("endings")
    same = before == layers(stack)
    report.row("the layer after a swap", "by design: the same version", "the same version" if same else "ANOTHER VERSION")


def layers(stack):
    configuration = aws("lambda", "get-function-configuration", "--function-name", stack.functions[stack.direct])
    return [layer["Arn"] for layer in configuration.get("Layers", [])]


def large(stack, report):
    report.ask("What happens to a response beyond the quota of 200 MB? (Two minutes each.)")
    stack.use("endings")
    # Our own limit is the quota, too, and must not be what ends it.
    stack.configure(stack.direct, "--timeout", "300", "--environment", "Variables={FIRSTBYTE_RESPONSE_LIMIT_MB=0}")
    stack.timeouts[stack.direct] = 300
    sizes = [("200 MiB", 200 * MIB, "documented: fits"), ("200 MiB and a byte", 200 * MIB + 1, "captured once: passes")]
    for name, size, until_now in [*sizes, ("220 MiB", 220 * MIB, "unknown")]:
        report.row(f"{name}, direct", until_now, stack.direct.send({"ending": "flood", "bytes": size}))


def snapstart(stack, report):
    report.ask("Does SnapStart take a zip on provided.al2023?")
    function = stack.functions[stack.direct]
    try:
        stack.configure(stack.direct, "--snap-start", "ApplyOn=PublishedVersions")
    except Refused as error:
        report.row("SnapStart", "not documented", f"refused: {error}")
        return
    version = aws("lambda", "publish-version", "--function-name", function)["Version"]
    try:
        aws("lambda", "wait", "published-version-active", "--function-name", function, "--qualifier", version)
    except Refused:
        pass  # the state says it better
    found = aws("lambda", "get-function-configuration", "--function-name", function, "--qualifier", version)
    report.row("SnapStart", "not documented", f"version {version}: {found['State']} {found.get('StateReason', '')}")
