// node --test bench/read_clock.test.mjs
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { cellsOf, clockOfLevels, readClock } from './read_clock.mjs'

// The same vector stands in src/broadcaster/clock_code_test.cc.
const MS = 1795170123456
const CELLS = '1000000001101000011111100001110101101000111110110000000010010110'

const levelsOf = (ms) => cellsOf(ms).map((white) => (white ? 235 : 16))

function pictureOf(ms, width, height) {
  const pixels = new Uint8ClampedArray(width * height * 4)
  cellsOf(ms).forEach((white, i) => {
    if (!white) return
    const [row, cell] = [Math.floor(i / 32), i % 32]
    for (let y = Math.round((0.85 + row * 0.06) * height); y < Math.round((0.85 + (row + 1) * 0.06) * height); ++y) {
      for (let x = Math.round(((cell + 1) * width) / 34); x < Math.round(((cell + 2) * width) / 34); ++x) {
        pixels.fill(255, (y * width + x) * 4, (y * width + x) * 4 + 3)
      }
    }
  })
  return pixels
}

test('the cells of a known instant are these', () => {
  assert.equal(cellsOf(MS).map((white) => (white ? '1' : '0')).join(''), CELLS)
})

test('what is drawn is read to the millisecond, at any size', () => {
  for (let i = 0; i < 200; ++i) {
    const ms = Math.floor(Math.random() * 9e12)
    const width = 160 + Math.floor(Math.random() * 500)
    const height = 90 + Math.floor(Math.random() * 400)
    assert.equal(readClock(pictureOf(ms, width, height), width, height), ms, `${width}x${height}`)
  }
})

test('one wrong cell, no contrast or an undecided cell is noticed', () => {
  for (let i = 0; i < 64; ++i) {
    const levels = levelsOf(MS)
    levels[i] = levels[i] > 128 ? 16 : 235
    assert.equal(clockOfLevels(levels), null, `cell ${i}`)
  }
  assert.equal(clockOfLevels(levelsOf(MS).map((level) => 100 + level / 10)), null)
  const undecided = levelsOf(MS)
  undecided[20] = 125
  assert.equal(clockOfLevels(undecided), null)
})
