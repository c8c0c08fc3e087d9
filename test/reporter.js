// Node's test events as one JSON object per line, for tools/run_tests.py: leaves only, named by the path to them, with the
// file that they stand in.

export default async function* reporter(source) {
  const open = []; // the suites around the current test, outermost first
  for await (const { type, data } of source) {
    if (type === "test:start") {
      open.length = data.nesting;
      open.push(data.name);
      yield line("started", open.join(" > "), "", data);
    } else if (type === "test:pass" || type === "test:fail") {
      open.length = data.nesting;
      const name = [...open, data.name].join(" > ");
      const failed = type === "test:fail";
      const only_because_of_a_test_in_it = data.details?.error?.failureType === "subtestsFailed";
      if (data.details?.type === "suite" ? failed && !only_because_of_a_test_in_it : !only_because_of_a_test_in_it) {
        if (failed && data.todo !== undefined) yield line("skipped", name, `not done yet: ${data.todo}`, data);
        else if (failed) yield line("failed", name, words_of(data.details.error), data);
        else if (data.skip !== undefined) yield line("skipped", name, String(data.skip), data);
        else yield line("passed", name, "", data);
      }
    }
  }
}

const line = (verdict, name, detail, { file }) => `${JSON.stringify({ verdict, name, detail, file })}\n`;

// The error of the test itself, not the runner's wrapping of it.
function words_of(error) {
  const cause = error?.cause ?? error;
  return String(cause?.stack ?? cause);
}
