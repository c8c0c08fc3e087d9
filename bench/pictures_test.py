"""What `bench delay` and `bench scaling` make of their figures, and that bench_picture draws it."""

import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

import delay
import machine
import scaling

SVG = "{http://www.w3.org/2000/svg}"


def seen(stalls=0, **hops):
    return {"stalls": stalls, "stalled_s": 0.5 * stalls, "hops": {name: {"mean_s": mean_s} for name, mean_s in hops.items()}}


def drawn(described):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.svg"
        machine.draw(file, described)
        return xml.etree.ElementTree.parse(file).getroot()


def words(picture):
    return [text.text for text in picture.iter(f"{SVG}text")]


class Delay(unittest.TestCase):
    def test_a_total_is_the_sum_of_the_components_and_of_nothing_else(self):
        self.assertAlmostEqual(delay.total_s(seen(upload=0.25, chunking=1, buffer=0.5, total=99)), 1.75)

    def test_a_line_has_the_means_and_the_least_and_most_total(self):
        row = delay.Row("klieg", "hls", "", ())
        line = delay.summary(row, [seen(chunking=1, waiting=0.5), seen(stalls=2, chunking=1, waiting=1.5)])
        self.assertEqual(line, ["klieg", "hls", None, 1, None, 1, None, None, 2, 1.5, 2.5, 2, 0.5])

    def test_the_picture_has_the_papers_bar_beside_ours(self):
        periscope = delay.Row("periscope", "hls", "", (), paper="HLS")
        picture = drawn(delay.picture({periscope: [seen(chunking=3, buffer=6)], delay.Row("klieg", "hls", "", ()): [seen(chunking=1)]},
                                      [{"player": "push", "median_s": 0.25}]))
        for total in ("11.69", "9.00", "1.00", "0.25"):
            self.assertIn(total, words(picture))

    def test_every_row_names_where_it_asks(self):
        doors = dict.fromkeys(("home", "home_rtmp", "pop", "pop_rtmp", "puller"), "host:1")
        for row in delay.ROWS:
            self.assertNotIn("{", "".join(word.format(**doors) for word in (row.url, *row.watch)), row)


class Scaling(unittest.TestCase):
    def test_the_papers_push_costs_three_times_its_chunks_for_one_viewer_more(self):
        push, chunks = (scaling.slope(scaling.VIEWERS, scaling.PAPER[kind]) for kind in (scaling.PUSH, scaling.CHUNKS))
        self.assertAlmostEqual(push / chunks, 3.37, places=2)

    def test_the_picture_has_a_point_for_each_figure(self):
        sizes = (100, 500)
        picture = drawn(scaling.picture(sizes, {kind: (1, 2) for kind in scaling.NAMES}))
        ours, theirs, ratios = len(scaling.NAMES) * len(sizes), 2 * len(scaling.VIEWERS), len(sizes) + len(scaling.VIEWERS)
        self.assertEqual(len(list(picture.iter(f"{SVG}circle"))), ours + theirs + ratios)

    def test_an_axis_ends_above_what_it_shows(self):
        for value, end in ((0.5, 1), (3.7, 4), (8.9, 10), (79.8, 80)):
            self.assertEqual(scaling.axis_max(value), end)


if __name__ == "__main__":
    unittest.main()
