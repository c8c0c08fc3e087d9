"""The arrow check, on made-up trees: it must be able to fail."""

import tempfile
import unittest
from pathlib import Path

import check_arrows


class CheckArrows(unittest.TestCase):
    def breaches(self, files, table="| `base/` | words |\n| `net/` | sockets |\n| `origin/` | home |\n| `ingest/` | in |\n"):
        """What the check says of a tree with these files, and one harmless file in each folder of the table."""
        with tempfile.TemporaryDirectory() as root:
            files = {"src/README.md": table} | files
            for folder in check_arrows.ROW.findall(table):
                files.setdefault(f"src/{folder[0]}/nothing.h", "#pragma once\n")
            for name, text in files.items():
                path = Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check_arrows.breaches(root)

    def test_a_tree_that_follows_the_arrows_is_clean(self):
        files = {
            "src/net/loop.cc": '#include <boost/asio.hpp>\n#include "base/time.h"\n#include "net/loop.h"\n',
            "src/origin/server.cc": '#include "net/loop.h"\n#include "origin/window.h"\n',
            "src/origin/window.cc": '#include "base/log.h"\n',
        }
        self.assertEqual(self.breaches(files), [])

    def test_an_arrow_upwards_is_found(self):
        found = self.breaches({"src/base/log.cc": '#include "net/loop.h"\n'})
        self.assertEqual(found, ['src/base/log.cc: "net/loop.h": base/ may not include net/'])

    def test_stages_do_not_include_each_other(self):
        found = self.breaches({"src/origin/server.cc": '#include "ingest/session.h"\n'})
        self.assertEqual(found, ['src/origin/server.cc: "ingest/session.h": origin/ may not include ingest/'])

    def test_the_pure_files_of_a_stage_know_no_net(self):
        found = self.breaches({"src/ingest/session.cc": '  #  include "net/loop.h"\n'})
        self.assertEqual(len(found), 1)
        self.assertIn("only in its server.*, client.* or worker.*", found[0])

    def test_the_bus_is_for_the_doors_of_a_stage_and_knows_no_http(self):
        table = "| `bus/` | hearsay |\n| `http/` | requests |\n| `edge/` | cache |\n"
        files = {
            "src/bus/bus.h": '#include "net/loop.h"\n',
            "src/edge/server.cc": '#include "bus/bus.h"\n',
        }
        self.assertEqual(self.breaches(files, table), [])
        self.assertEqual(len(self.breaches({"src/edge/load.cc": '#include "bus/bus.h"\n'}, table)), 1)
        self.assertEqual(len(self.breaches({"src/bus/bus.cc": '#include "http/server.h"\n'}, table)), 1)

    def test_only_the_worker_of_the_store_knows_net(self):
        table = "| `net/` | sockets |\n| `store/` | database |\n"
        self.assertEqual(self.breaches({"src/store/worker.h": '#include "net/loop.h"\n'}, table), [])
        found = self.breaches({"src/store/database.h": '#include "net/loop.h"\n'}, table)
        self.assertEqual(len(found), 1)
        self.assertIn("only in its server.*, client.* or worker.*", found[0])

    def test_only_the_records_and_the_doors_of_the_studio_ask_the_database(self):
        table = "| `store/` | database |\n| `studio/` | people |\n| `edge/` | cache |\n"
        asks = '#include "store/database.h"\n'
        files = {f"src/studio/{name}": asks for name in
                 ("account_records.h", "account_records.cc", "records_test.h", "worker_accounts.cc")}
        self.assertEqual(self.breaches(files, table), [])
        self.assertEqual(self.breaches({"src/studio/session.h": asks}, table),
                         ['src/studio/session.h: "store/database.h": studio/ may not include store/ here, only in its '
                          "*_records.*, server.*, client.* or worker.*"])
        self.assertEqual(len(self.breaches({"src/edge/server.cc": asks}, table)), 1)

    def test_a_file_that_only_sounds_like_a_server_is_pure(self):
        self.assertEqual(len(self.breaches({"src/ingest/serverless.cc": '#include "net/loop.h"\n'})), 1)

    def test_only_net_knows_asio(self):
        found = self.breaches({"src/origin/server.cc": "#include <boost/asio/ip/tcp.hpp>\n"})
        self.assertEqual(found, ["src/origin/server.cc: only net/ knows Boost.Asio"])

    def test_nothing_includes_cli(self):
        table = "| `base/` | words |\n| `cli/` | main |\n"
        found = self.breaches({"src/base/log.cc": '#include "cli/serve.h"\n'}, table)
        self.assertEqual(found, ['src/base/log.cc: "cli/serve.h": base/ may not include cli/'])

    def test_a_header_is_named_from_src(self):
        self.assertEqual(len(self.breaches({"src/net/loop.cc": '#include "loop.h"\n'})), 1)
        self.assertEqual(len(self.breaches({"src/net/loop.cc": '#include "../base/log.h"\n'})), 1)

    def test_a_folder_nobody_described_is_found(self):
        found = self.breaches({"src/base/log.cc": ""}, table="")
        self.assertEqual(found, ["src/README.md: no sentence for base/"])

    def test_a_sentence_without_its_folder_is_found(self):
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "src").mkdir()
            (Path(root) / "src/README.md").write_text("| `base/` | words |\n")
            self.assertEqual(check_arrows.breaches(root), ["src/README.md: there is no folder base/"])

    def test_a_folder_without_arrows_is_found(self):
        found = self.breaches({"src/util/all.cc": ""})
        self.assertIn("src/util/: tools/check_arrows.py does not say what it may include", found)


if __name__ == "__main__":
    unittest.main()
