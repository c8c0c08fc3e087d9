// Reads the test card's clock for machines off a video element or off pixels.
// The layout is that of src/broadcaster/clock_code.h; keep the two in step (both are tested against one vector).

const COLUMNS = 34
const ROWS = 2
const CELLS = 32
const SYNC = 2 // cells at each end of a row
const TOP = 0.85
const ROW_HEIGHT = 0.06

const isSync = (cell) => cell < SYNC || cell >= CELLS - SYNC
const syncIsWhite = (row, cell) => (cell === 0 || cell === CELLS - 1) === (row === 0)

// The 64 cells, row by row, true for white.
export function cellsOf(ms) {
  const value = BigInt(ms)
  const data = (value << 8n) | BigInt(crc8(value))
  const cells = []
  let bit = 56n
  for (let row = 0; row < ROWS; ++row) {
    for (let cell = 0; cell < CELLS; ++cell) {
      cells.push(isSync(cell) ? syncIsWhite(row, cell) : ((data >> --bit) & 1n) === 1n)
    }
  }
  return cells
}

function crc8(value48) {
  let crc = 0xff
  for (let shift = 40n; shift >= 0n; shift -= 8n) {
    crc ^= Number((value48 >> shift) & 0xffn)
    for (let i = 0; i < 8; ++i) crc = ((crc << 1) ^ (crc & 0x80 ? 0x07 : 0)) & 0xff
  }
  return crc
}

// What 64 brightness levels (0..255) say: milliseconds since 1970 as a Number, or null if they cannot be trusted.
export function clockOfLevels(levels) {
  let white = 0
  let black = 0
  levels.forEach((level, i) => {
    const cell = i % CELLS
    if (!isSync(cell)) return
    if (syncIsWhite(Math.floor(i / CELLS), cell)) white += level / 4
    else black += level / 4
  })
  const contrast = white - black
  if (!(contrast >= 48)) return null

  const middle = (white + black) / 2
  let data = 0n
  for (let i = 0; i < levels.length; ++i) {
    const distance = levels[i] - middle
    if (Math.abs(distance) < contrast / 8) return null
    const isWhite = distance > 0
    if (isSync(i % CELLS)) {
      if (isWhite !== syncIsWhite(Math.floor(i / CELLS), i % CELLS)) return null
    } else {
      data = (data << 1n) | (isWhite ? 1n : 0n)
    }
  }
  const ms = data >> 8n
  return crc8(ms) === Number(data & 0xffn) ? Number(ms) : null
}

// Of a whole picture: `pixels` is RGBA as in ImageData.data. The cells are grey, so green stands for brightness.
export function readClock(pixels, width, height) {
  const levels = []
  for (let row = 0; row < ROWS; ++row) {
    for (let cell = 0; cell < CELLS; ++cell) {
      const cellWidth = width / COLUMNS
      const cellHeight = ROW_HEIGHT * height
      levels.push(
        mean(pixels, width, height, (cell + 1.25) * cellWidth, (cell + 1.75) * cellWidth,
          TOP * height + (row + 0.25) * cellHeight, TOP * height + (row + 0.75) * cellHeight))
    }
  }
  return clockOfLevels(levels)
}

function mean(pixels, width, height, x0, x1, y0, y1) {
  const left = Math.min(Math.floor(x0), width - 1)
  const above = Math.min(Math.floor(y0), height - 1)
  const right = Math.min(Math.max(Math.round(x1), left + 1), width)
  const below = Math.min(Math.max(Math.round(y1), above + 1), height)
  let sum = 0
  for (let y = above; y < below; ++y) for (let x = left; x < right; ++x) sum += pixels[(y * width + x) * 4 + 1]
  return sum / ((right - left) * (below - above))
}

// Of what `video` shows now. Only the two rows of cells are copied, to a canvas of eight pixels a cell, so that reading
// costs little even at every frame. `context` is a 2D context the caller keeps (willReadFrequently: true).
export function readClockOfVideo(video, context) {
  const { videoWidth, videoHeight } = video
  if (!videoWidth || !videoHeight) return null
  const size = 8
  const width = CELLS * size
  const height = ROWS * size
  if (context.canvas.width !== width || context.canvas.height !== height) {
    context.canvas.width = width
    context.canvas.height = height
  }
  context.drawImage(video, videoWidth / COLUMNS, TOP * videoHeight, (CELLS / COLUMNS) * videoWidth,
    ROWS * ROW_HEIGHT * videoHeight, 0, 0, width, height)
  const pixels = context.getImageData(0, 0, width, height).data
  const levels = []
  for (let row = 0; row < ROWS; ++row) {
    for (let cell = 0; cell < CELLS; ++cell) {
      levels.push(mean(pixels, width, height, cell * size + 2, cell * size + 6, row * size + 2, row * size + 6))
    }
  }
  return clockOfLevels(levels)
}
