"""What this repository promises its readers, as tests."""

import re
import subprocess
import unittest
from pathlib import Path

import check_arrows

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX = 600


def tracked(*patterns):
    """The repository's own files that match, as paths. A file that git does not know yet counts too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout
    return [ROOT / name for name in sorted(set(listed.split("\0"))) if name and (ROOT / name).is_file()]


def links(markdown):
    """Where a page's relative links point to, outside of code blocks and spans."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", markdown, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not re.match(r"[a-z]+:|#", target):
            yield target.split("#")[0]


class Promises(unittest.TestCase):
    def test_folders_include_each_other_only_along_the_arrows(self):
        self.assertEqual(check_arrows.breaches(ROOT), [])

    def test_a_file_of_more_than_600_lines_says_why(self):
        too_long = []
        for path in tracked("*.h", "*.cc", "*.py", "*.js", "*.ts", "*.svelte"):
            text = path.read_text(encoding="utf-8")
            if text.count("\n") > LINES_MAX and not re.search(r"(//|#) long: \S", text):
                too_long.append(str(path.relative_to(ROOT)))
        self.assertEqual(too_long, [])

    def test_every_stage_describes_itself_on_one_page(self):
        stages = [ROOT / "src" / stage for stage in check_arrows.STAGES if (ROOT / "src" / stage).is_dir()]
        self.assertEqual([stage.name for stage in stages if not (stage / "README.md").exists()], [])

    def test_links_between_the_documents_lead_somewhere(self):
        broken = []
        for page in tracked("*.md"):
            for target in links(page.read_text(encoding="utf-8")):
                if not (page.parent / target).exists():
                    broken.append(f"{page.relative_to(ROOT)} -> {target}")
        self.assertEqual(broken, [])

    def test_every_fuzz_target_has_seeds(self):
        bare = [target.name for target in tracked("fuzz/*_fuzz.cc")
                if not any((ROOT / "fuzz/corpus" / target.name.removesuffix("_fuzz.cc")).glob("*"))]
        self.assertEqual(bare, [])


class Links(unittest.TestCase):
    def test_links_are_found_and_code_is_not_mistaken_for_one(self):
        page = "[a](docs/a.md#top) [b](https://example.org) [c](#here) `[d](e.md)`\n```\n[f](g.md)\n```\n"
        self.assertEqual(list(links(page)), ["docs/a.md"])


if __name__ == "__main__":
    unittest.main()
