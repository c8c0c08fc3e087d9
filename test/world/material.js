// Real clips and schemas made by others, which the repository does not contain.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = process.env.KLIEG_SHARED_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));

export const shared_data = (name) => join(root, name);

// For `skip`: false, or why the test cannot run.
export const without_shared_data = (name = "") =>
  existsSync(shared_data(name)) ? false : `no ${name || "shared data"} in ${root}: set KLIEG_SHARED_DATA`;
