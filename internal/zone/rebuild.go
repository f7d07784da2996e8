package zone

// rebuild makes the table anew from its cells, after a process died in the
// middle of a change. The order of use is lost, and an entry that was half
// made or half removed. It needs the lock, and panics with damage like the rest.
func (t *Table) rebuild() {
	m := t.m
	t.forget()
	for page := uint32(1); int(page) <= m.shape.pages; page++ {
		switch kind := m.pageGet(page, pageKind); {
		case kind >= 1 && kind <= classes:
			t.rebuildCells(page, kind)
		case kind == runHead && t.rebuildRun(page):
			page += m.pageGet(page, pageUsed) - 1
		default:
			m.pagePut(page, pageKind, pageFree)
		}
	}
}

// reset empties the table. It needs the lock.
func (t *Table) reset() {
	t.forget()
	start := t.m.shape.table
	clear(t.m.data[start : start+t.m.shape.pages*pageEntry])
}

// forget empties the lists and the buckets.
func (t *Table) forget() {
	clear(t.m.data[atNewest:listsEnd])
	clear(t.m.data[bucketsAt:t.m.shape.table])
}

func (t *Table) rebuildCells(page, class uint32) {
	m := t.m
	start, size := m.start(page), cellUnit<<(class-1)
	m.pagePut(page, pageUsed, 0)
	m.pagePut(page, pageCells, 0)
	inUse := uint32(0)
	for offset := start; offset < start+pageSize; offset += size {
		e := Entry{ref(offset / cellUnit), m.data[offset : offset+size]}
		if t.rebuildEntry(e) {
			inUse++
		} else {
			m.chain(page, e.at, e.cell)
		}
	}
	if inUse == 0 {
		m.pagePut(page, pageKind, pageFree)
		return
	}
	m.pagePut(page, pageUsed, inUse)
	m.put(atUsed, m.get(atUsed)+1)
	if m.pageGet(page, pageCells) != 0 {
		m.list(page, class)
	}
}

// rebuildRun reports whether an entry in a run of pages begins here.
func (t *Table) rebuildRun(page uint32) bool {
	m := t.m
	n := m.pageGet(page, pageUsed)
	if n == 0 || int(page)+int(n)-1 > m.shape.pages {
		return false
	}
	for i := uint32(1); i < n; i++ {
		if m.pageGet(page+i, pageKind) != runRest {
			return false
		}
	}
	offset := m.start(page)
	if !t.rebuildEntry(Entry{ref(offset / cellUnit), m.data[offset : offset+int(n)*pageSize]}) {
		return false
	}
	m.put(atUsed, m.get(atUsed)+n)
	return true
}

// rebuildEntry links an entry if it is one, and the only one of its key.
func (t *Table) rebuildEntry(e Entry) bool {
	if !e.complete() || !e.fits() {
		return false
	}
	key := string(e.Key())
	if t.m.hash(key) != e.field(entryHash) {
		return false
	}
	if _, twice := t.find(key, e.field(entryHash)); twice {
		return false
	}
	t.link(e)
	return true
}
