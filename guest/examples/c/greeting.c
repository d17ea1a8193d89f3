// The greeting in C: nothing but the interface in WIT and what wit-bindgen makes of it (bindings/). It takes {"name": "hoge"},
// writes a line, and two seconds later another.

#include "bindings/greeting.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Text that the host only reads.
static greeting_string_t text(const char *text) {
  return (greeting_string_t){.ptr = (uint8_t *)text, .len = strlen(text)};
}

// Text that is the host's once it is returned: bindings free it.
static greeting_string_t owned(const char *text) {
  greeting_string_t copy;
  greeting_string_dup(&copy, text);
  return copy;
}

static bool write_all(firstbyte_lambda_invocation_own_body_t body, const char *line) {
  greeting_list_u8_t chunk = {.ptr = (uint8_t *)line, .len = strlen(line)};
  firstbyte_lambda_invocation_write_error_t error;
  if (firstbyte_lambda_invocation_method_body_write(firstbyte_lambda_invocation_borrow_body(body), &chunk, &error))
    return true;
  firstbyte_lambda_invocation_write_error_free(&error);
  return false;
}

static void wait(uint64_t nanoseconds) {
  wasi_clocks_monotonic_clock_own_pollable_t pollable = wasi_clocks_monotonic_clock_subscribe_duration(nanoseconds);
  wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(pollable));
  wasi_io_poll_pollable_drop_own(pollable);
}

// The member `name` of a JSON object, if it is text without escapes. A handler of more than one field takes a JSON library.
static char *name_in(const greeting_list_u8_t *json) {
  const char *end = (const char *)json->ptr + json->len;
  const char *key = "\"name\"";
  for (const char *at = (const char *)json->ptr; at + strlen(key) < end; at++) {
    if (memcmp(at, key, strlen(key)) != 0)
      continue;
    for (at += strlen(key); at < end && (*at == ' ' || *at == ':'); at++) {
    }
    if (at == end || *at++ != '"')
      return NULL;
    const char *close = memchr(at, '"', end - at);
    if (close == NULL || memchr(at, '\\', close - at) != NULL)
      return NULL;
    return strndup(at, close - at);
  }
  return NULL;
}

static bool fail(const char *kind, const char *message, uint16_t status, exports_firstbyte_lambda_handler_failure_t *failure) {
  *failure = (exports_firstbyte_lambda_handler_failure_t){.kind = owned(kind), .message = owned(message)};
  failure->status.is_some = true;
  failure->status.val = status;
  return false;
}

bool exports_firstbyte_lambda_handler_handle(
    exports_firstbyte_lambda_handler_own_request_t request, exports_firstbyte_lambda_handler_own_response_t response,
    exports_firstbyte_lambda_handler_failure_t *failure) {
  greeting_list_u8_t payload;
  firstbyte_lambda_invocation_method_request_payload(firstbyte_lambda_invocation_borrow_request(request), &payload);
  char *name = name_in(&payload);
  greeting_list_u8_free(&payload);
  firstbyte_lambda_invocation_request_drop_own(request);
  if (name == NULL) {
    firstbyte_lambda_invocation_response_drop_own(response);
    return fail("ValidationError", "send a JSON object like {\"name\": \"hoge\"}", 400, failure);
  }

  greeting_tuple2_string_string_t headers[] = {
      {.f0 = text("content-type"), .f1 = text("text/plain")},
      {.f0 = text("access-control-allow-origin"), .f1 = text("*")},
  };
  firstbyte_lambda_invocation_head_t head = {.status = 200, .headers = {.ptr = headers, .len = 2}};
  firstbyte_lambda_invocation_own_body_t body;
  firstbyte_lambda_invocation_head_error_t refused;
  if (!firstbyte_lambda_invocation_static_response_start(response, &head, &body, &refused)) {
    firstbyte_lambda_invocation_head_error_free(&refused);
    free(name);
    return fail("HeadError", "the head was refused", 500, failure);
  }

  // Sent when the call returns. A reader that is gone ends the work: there is nobody to write to.
  if (write_all(body, "Hello, this is a streamed response!\n")) {
    wait(2000000000);
    char *line;
    if (asprintf(&line, "Hello, %s! This is a delayed message.\n", name) >= 0) {
      write_all(body, line);
      free(line);
    }
  }
  free(name);
  firstbyte_lambda_invocation_body_drop_own(body);
  return true;
}
