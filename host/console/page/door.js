// The three doors of a function, by the names that events give them.

export const DOORS = ["lambda", "function_url", "api_gateway"];

const NAMES = { lambda: "Lambda API", function_url: "Function URL", api_gateway: "API Gateway" };

/** What a door is called. */
export function doorName(door) {
  return NAMES[door] ?? "a door that is not known";
}

/** Whether callers of this door speak plain HTTP. Callers of the other one have an SDK, which can be told of failures. */
export function isHttp(door) {
  return door !== "lambda";
}
