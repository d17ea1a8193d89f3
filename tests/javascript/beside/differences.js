// What a component and AWS's own runtime client do differently, and how to tell that it is this difference and no other. The table in
// guest/javascript/README.md has each by its name, with the reason.

import { isDeepStrictEqual as same } from "node:util";

/** What the gateway answers by itself where a response begins without status and headers. */
const isRefusedByGateway = ({ status, parts }) => status === 500 && /^(?:after \d s: )?\{"message":"Internal server error"\}$/.test(parts?.[0]);

/** What the Function URL makes of a response without a byte. */
const isEmptyAndBroken = ({ status, parts, end }) => status === 200 && parts.length === 0 && /broken off$/.test(end);

/** What a caller sees of a function that fails before its response has begun. */
const isFailedBefore = ({ door, ours }) =>
  door === "direct" ? /^error (?:Function|Runtime)\.\w+: /.test(ours.parts[0]) : ours.status === 500 && same(ours.parts, ['{"message":"Internal Server Error"}']);

const PROCESS_ENDS = /^error Runtime\.ExitError: /;

/** What a caller sees on Node.js of a function that fails before its response has begun. The client sometimes asks for the next invocation
    before its answer to this one is there, which Lambda refuses: then it ends. */
const isLostOnNode = ({ door, theirs }) =>
  isRefusedByGateway(theirs) || PROCESS_ENDS.test(theirs.parts[0]) || (door === "direct" ? theirs.parts.length === 0 && theirs.end === "success" : isEmptyAndBroken(theirs));

const TIMED_OUT = /^after 5 s: (?:error Sandbox\.Timedout: |success$|whole$|broken off$|\{"message":"Internal server error"\})/;

const only = (...cases) => ({ name }) => cases.includes(name);
const all = (...conditions) => (answers) => conditions.every((condition) => condition(answers));

/** In the order in which they are looked for. */
export const DIFFERENCES = [
  { id: "a handler with a callback", is: ({ kind, theirs }) => kind === "callback" && theirs.end === "Runtime.CallbackHandlerDeprecated" },
  {
    id: "`return` of a handler that does not stream",
    is: all(({ kind, door }) => kind === "buffered" && door !== "direct", only("a response", "base64", "a value", "a string", "nothing"), ({ ours, theirs }) => ours.status < 300 && (isRefusedByGateway(theirs) || theirs.status === ours.status)),
  },
  {
    id: "throws, of a handler that does not stream",
    is: all(({ kind }) => kind === "buffered", only("throws"), isFailedBefore, ({ door, theirs }) => (door === "api" ? isRefusedByGateway(theirs) : /^error TeapotError: /.test(theirs.parts[0]))),
  },
  { id: "a status or a header that is invalid", is: all(only("an invalid status", "an invalid header"), isFailedBefore) },
  {
    id: "a list as a header's value",
    is: all(only("a prelude of lists"), ({ door, ours, theirs }) => door !== "direct" && ours.headers.some((line) => line.startsWith("x-many: 1")) && (theirs.status === 502 || isRefusedByGateway(theirs))),
  },
  {
    id: "throws in a timer or a listener, or without a handler",
    is: all(only("throws in a timer", "an error event"), isFailedBefore, ({ theirs }) => PROCESS_ENDS.test(theirs.parts[0]) || isRefusedByGateway(theirs)),
  },
  {
    id: "the response stream is destroyed, or its `pipeline` fails",
    is: all(only("destroyed", "pipeline that fails"), ({ ours }) => same(ours.parts, ["begun"]), ({ theirs }) => PROCESS_ENDS.test(theirs.parts[0]) || isRefusedByGateway(theirs)),
  },
  { id: "`process.exit`", is: all(only("exit"), isFailedBefore, ({ theirs }) => PROCESS_ENDS.test(theirs.parts[0]) || isRefusedByGateway(theirs)) },
  { id: "never settles, nothing is under way", is: all(only("never"), isFailedBefore, ({ theirs }) => TIMED_OUT.test(theirs.parts[0])) },
  {
    id: "returns without `end()`, nothing is under way",
    is: all(only("no end", "no end and no write"), ({ ours }) => ours.status === 200 && !ours.end.startsWith("after"), ({ theirs }) => TIMED_OUT.test(theirs.parts[0] ?? "") || TIMED_OUT.test(theirs.end)),
  },
  { id: "the deadline", is: all(only("too late"), ({ door, ours }) => (door === "direct" ? /^after 4 s: failed with Runtime\.DeadlineExceeded/ : /^after 4 s: whole$/).test(ours.end), ({ theirs }) => TIMED_OUT.test(theirs.end) || isRefusedByGateway(theirs)) },
  { id: "`end(value)` with an object", is: all(only("end with an object"), ({ ours }) => same(ours.parts, ['{"a":1}']), isLostOnNode) },
  { id: "`end()` without a write", is: all(only("nothing but end", "a prelude without a body", "a redirect"), ({ ours }) => ours.status < 400 && ours.parts.length === 0 && !/broken/.test(ours.end), isLostOnNode) },
  {
    id: "throws or rejects after the first byte",
    is: all(({ kind, door, ours, theirs }) => kind === "streaming" && door === "direct" && same(ours.parts, theirs.parts) && ours.parts.length === 1, ({ ours, theirs }) => /^failed with Function\.\w+/.test(ours.end) && (theirs.end === "success" || /^failed with Runtime\.InvalidStreamingOperation/.test(theirs.end))),
  },
  { id: "throws or rejects before the first byte", is: all(isFailedBefore, isLostOnNode) },
  {
    id: "status and headers, by an SDK",
    is: ({ door, ours, theirs }) => {
      const isPrelude = door === "direct" && same(theirs.headers, ["content-type: application/vnd.awslambda.http-integration-response"]) && ours.end === theirs.end;
      const [first = "", ...more] = theirs.parts;
      return isPrelude && same([first.replace(/^\{.*\}\0{8}/s, ""), ...more].filter(Boolean), ours.parts);
    },
  },
  { id: "no `HttpResponseStream.from`, by API Gateway", is: ({ door, ours, theirs }) => door === "api" && ours.status === 200 && isRefusedByGateway(theirs) },
];

/** The difference between the answers to one case at one door, if it is one that is known. */
export const differenceOf = (answers) => DIFFERENCES.find(({ is }) => is(answers));
