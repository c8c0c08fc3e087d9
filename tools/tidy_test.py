"""tools/tidy.py finds what is wrong in files that it looks at together, and in those that do not fit together."""

import tempfile
import unittest
from pathlib import Path

import tidy

USED_AFTER_MOVE = """#include <string>
#include <utility>
namespace { std::string taken(std::string from) { return from; } }
std::string NAME(std::string text) { std::string other = taken(std::move(text)); return text + other; }
"""


class Tidy(unittest.TestCase):
    def said_of(self, **sources):
        tidy.PASSED.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "src").mkdir()
            paths = [Path(folder) / "src" / f"{name}.cc" for name in sources]
            for path, text in zip(paths, sources.values()):
                path.write_text(text)
            return [(len(some), result.stdout) for some, result in tidy.look_at(paths, ("-std=c++2b",))]

    def test_a_finding_in_any_of_the_files_looked_at_together_is_told(self):
        [(files, said)] = self.said_of(good="int one() { return 1; }\n", bad=USED_AFTER_MOVE.replace("NAME", "bad"))
        self.assertEqual(files, 2)
        self.assertRegex(said, r"bad\.cc:4:\d+: error: 'text' used after it was moved")

    def test_files_that_do_not_fit_together_are_looked_at_apart(self):
        said = self.said_of(one=USED_AFTER_MOVE.replace("NAME", "one"), two=USED_AFTER_MOVE.replace("NAME", "two"))
        self.assertEqual([files for files, _ in said], [1, 1])
        for _, text in said:
            self.assertIn("used after it was moved", text)


if __name__ == "__main__":
    unittest.main()
