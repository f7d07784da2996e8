package zone

import "encoding/binary"

// A ref is where a cell lies: its offset in the zone divided by cellUnit. Zero
// is nowhere.
type ref uint32

const cellUnit = 64

// MaxSize is the largest zone with a table, in bytes.
const MaxSize = cellUnit << 32

// What a page of cells is used for. Kinds 1 to classes are pages of cells of 64
// << (kind-1) bytes; what is larger than a cell gets a run of whole pages.
const (
	pageFree = 0
	classes  = 6
	runHead  = 7
	runRest  = 8
)

// Fields of a page's entry in the page table. Pages are numbered from 1 here,
// so that zero is none.
const (
	pageKind  = 0  // uint32
	pageUsed  = 4  // uint32: cells in use; of a runHead, its pages
	pageCells = 8  // ref: first free cell; each names the next one
	pageNext  = 12 // uint32: neighbours in the list of pages of this class
	pagePrev  = 16 // uint32: ... that have a free cell
	pageEntry = 24
)

// geometry is where things lie in a zone with a table.
type geometry struct {
	buckets int // number of them, a power of two
	table   int // offset of the page table
	pages   int // number of pages of cells
	cells   int // offset of the first one
}

const bucketsAt = linesAt

// shapeOf computes the geometry: a bucket for every two of the smallest cells.
func shapeOf(size int64) geometry {
	g := geometry{buckets: 1}
	rest := int(size) - bucketsAt
	for g.buckets*4*cellUnit <= rest {
		g.buckets *= 2
	}
	g.table = bucketsAt + g.buckets*4
	index := int(rounded(int64(g.buckets*4 + rest/pageSize*pageEntry)))
	g.cells = bucketsAt + index
	g.pages = (rest - index) / pageSize
	return g
}

func (m *memory) page(page uint32, field int) int {
	if page == 0 || int(page) > m.shape.pages {
		panic(damage("page out of bounds"))
	}
	return m.shape.table + int(page-1)*pageEntry + field
}

func (m *memory) pageGet(page uint32, field int) uint32    { return m.get(m.page(page, field)) }
func (m *memory) pagePut(page uint32, field int, v uint32) { m.put(m.page(page, field), v) }

// start is the offset of a page's first byte.
func (m *memory) start(page uint32) int { return m.shape.cells + int(page-1)*pageSize }

// cell returns the bytes of a cell in use or on a free list, and its page.
func (m *memory) cell(r ref) ([]byte, uint32) {
	offset := int(r) * cellUnit
	if offset < m.shape.cells || offset >= m.shape.cells+m.shape.pages*pageSize {
		panic(damage("reference out of bounds"))
	}
	page := uint32((offset-m.shape.cells)/pageSize) + 1
	within := offset - m.start(page)
	switch kind := m.pageGet(page, pageKind); {
	case kind >= 1 && kind <= classes && within%(cellUnit<<(kind-1)) == 0:
		return m.data[offset : offset+cellUnit<<(kind-1)], page
	case kind == runHead && within == 0:
		n := m.pageGet(page, pageUsed)
		if n == 0 || int(page)+int(n)-1 > m.shape.pages {
			panic(damage("run of pages out of bounds"))
		}
		return m.data[offset : offset+int(n)*pageSize], page
	}
	panic(damage("reference to no cell"))
}

// classOf is the smallest class with cells of size bytes; false: no class has.
func classOf(size int) (class uint32, ok bool) {
	for class = 1; class <= classes; class++ {
		if size <= cellUnit<<(class-1) {
			return class, true
		}
	}
	return 0, false
}

// allocate returns a cell of at least size bytes, with anything in it; false
// when there is no room.
func (m *memory) allocate(size int) (ref, bool) {
	class, small := classOf(size)
	if !small {
		n := (size + pageSize - 1) / pageSize
		page, ok := m.pagesFor(n)
		if !ok {
			return 0, false
		}
		for i := 1; i < n; i++ {
			m.pagePut(page+uint32(i), pageKind, runRest)
		}
		m.pagePut(page, pageUsed, uint32(n))
		m.pagePut(page, pageKind, runHead)
		return ref(m.start(page) / cellUnit), true
	}
	page := m.get(atPartial + int(class)*4)
	if page == 0 {
		var ok bool
		if page, ok = m.pagesFor(1); !ok {
			return 0, false
		}
		m.split(page, class)
	}
	r := ref(m.pageGet(page, pageCells))
	cell, at := m.cell(r)
	if at != page || m.pageGet(page, pageKind) != class {
		panic(damage("free cell in another page"))
	}
	if spare := atSpare + int(class)*4; m.get(spare) == page {
		m.put(spare, 0)
	}
	next := binary.NativeEndian.Uint32(cell)
	m.pagePut(page, pageCells, next)
	m.pagePut(page, pageUsed, m.pageGet(page, pageUsed)+1)
	if next == 0 {
		m.unlist(page, class)
	}
	return r, true
}

// split makes cells of a free page.
func (m *memory) split(page, class uint32) {
	m.pagePut(page, pageKind, class)
	m.pagePut(page, pageUsed, 0)
	m.pagePut(page, pageCells, 0)
	start, size := m.start(page), cellUnit<<(class-1)
	for offset := start + pageSize - size; offset >= start; offset -= size {
		m.chain(page, ref(offset/cellUnit), m.data[offset:offset+size])
	}
	m.list(page, class)
}

// chain puts a cell on its page's free list.
func (m *memory) chain(page uint32, r ref, cell []byte) {
	setMark(cell, 0)
	binary.NativeEndian.PutUint32(cell, m.pageGet(page, pageCells))
	m.pagePut(page, pageCells, uint32(r))
}

// release gives a cell back.
func (m *memory) release(r ref) {
	cell, page := m.cell(r)
	setMark(cell, 0)
	class, used := m.pageGet(page, pageKind), m.pageGet(page, pageUsed)
	if class == runHead {
		m.freePages(page, used)
		return
	}
	if used == 0 {
		panic(damage("free cell given back"))
	}
	if m.pageGet(page, pageCells) == 0 {
		m.list(page, class)
	}
	m.chain(page, r, cell)
	m.pagePut(page, pageUsed, used-1)
	if used > 1 {
		return
	}
	// A key that comes and goes alone must not make a page of cells each time.
	if spare := atSpare + int(class)*4; m.get(spare) == 0 {
		m.put(spare, page)
		return
	}
	m.unlist(page, class)
	m.freePages(page, 1)
}

// pagesFor is takePages that gives up spare pages when there is no room.
func (m *memory) pagesFor(n int) (page uint32, ok bool) {
	if page, ok = m.takePages(n); ok {
		return page, true
	}
	for class := uint32(1); class <= classes; class++ {
		if spare := m.get(atSpare + int(class)*4); spare != 0 {
			m.put(atSpare+int(class)*4, 0)
			m.unlist(spare, class)
			m.freePages(spare, 1)
		}
	}
	return m.takePages(n)
}

// list puts a page first among those of its class with a free cell.
func (m *memory) list(page, class uint32) {
	head := atPartial + int(class)*4
	next := m.get(head)
	m.pagePut(page, pageNext, next)
	m.pagePut(page, pagePrev, 0)
	if next != 0 {
		m.pagePut(next, pagePrev, page)
	}
	m.put(head, page)
}

func (m *memory) unlist(page, class uint32) {
	next, prev := m.pageGet(page, pageNext), m.pageGet(page, pagePrev)
	if prev == 0 {
		m.put(atPartial+int(class)*4, next)
	} else {
		m.pagePut(prev, pageNext, next)
	}
	if next != 0 {
		m.pagePut(next, pagePrev, prev)
	}
}

// takePages finds n free pages in a row.
func (m *memory) takePages(n int) (page uint32, ok bool) {
	used := int(m.get(atUsed))
	if used+n > m.shape.pages {
		return 0, false
	}
	first, run := int(m.get(atNext))%m.shape.pages, 0
	for i := range m.shape.pages + n { // once round, and over the seam
		at := (first + i) % m.shape.pages
		if at == 0 {
			run = 0
		}
		if m.pageGet(uint32(at+1), pageKind) != pageFree {
			run = 0
			continue
		}
		if run++; run == n {
			m.put(atUsed, uint32(used+n))
			m.put(atNext, uint32(at+1))
			return uint32(at + 1 - n + 1), true
		}
	}
	return 0, false
}

func (m *memory) freePages(page, n uint32) {
	for i := range n {
		m.pagePut(page+i, pageKind, pageFree)
	}
	used := m.get(atUsed)
	if used < n {
		panic(damage("more pages freed than used"))
	}
	m.put(atUsed, used-n)
}
