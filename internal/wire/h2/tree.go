package h2

// A Tree is how streams depend on each other: RFC 7540, section 5.3. RFC 9113 has
// dropped it, but clients that say nothing else still say that, and nginx follows
// them. The zero value is ready; nothing in it is done twice for streams that
// nobody has said anything about.
//
// Streams that are not open stay known for a while, as clients group others below
// them: maxClosed of them at most.
type Tree struct {
	nodes  map[uint32]*treeNode
	closed []*treeNode // that are not open, the oldest first
}

type treeNode struct {
	id       uint32
	weight   uint16 // 1 to 256
	open     bool
	parent   *treeNode // nil: the root
	children []*treeNode
}

const (
	// DefaultWeight is that of a stream about which nothing was said.
	DefaultWeight = 16
	maxClosed     = 32
)

// Known reports whether anything was ever said.
func (t *Tree) Known() bool { return t.nodes != nil }

// Open notes that a stream is open.
func (t *Tree) Open(id uint32) {
	n := t.node(id)
	if !n.open {
		n.open = true
		t.forgetClosed(n)
	}
}

// Close notes that a stream is not open any more.
func (t *Tree) Close(id uint32) {
	if n := t.nodes[id]; n != nil && n.open {
		n.open = false
		t.closed = append(t.closed, n)
		t.trim()
	}
}

// Depend makes a stream depend on another one, 0 for none, with a weight from 1 to
// 256. With exclusive set, whatever has depended on the other one then depends on
// the stream.
func (t *Tree) Depend(id, on uint32, weight uint16, exclusive bool) {
	if id == on {
		return
	}
	n := t.node(id)
	n.weight = weight
	parent := t.nodes[on]
	if parent == nil {
		exclusive = exclusive && on == 0
	}
	for above := parent; above != nil; above = above.parent {
		if above == n { // the parent depends on n itself: it moves to where n was
			parent.moveTo(n.parent)
			break
		}
	}
	n.moveTo(parent)
	if exclusive {
		for _, other := range t.below(parent) {
			if other != n {
				other.moveTo(n)
			}
		}
	}
	if parent != nil && !parent.open { // it is of use
		t.forgetClosed(parent)
		t.closed = append(t.closed, parent)
	}
	t.trim()
}

// Before reports whether what stream a has to say goes before what b has to say:
// what is higher up, then what has the larger share of its parent's.
func (t *Tree) Before(a, b uint32) bool {
	depthA, shareA := t.place(a)
	depthB, shareB := t.place(b)
	return depthA < depthB || depthA == depthB && shareA > shareB
}

func (t *Tree) place(id uint32) (depth int, share float64) {
	n := t.nodes[id]
	if n == nil {
		return 1, DefaultWeight / 256.0
	}
	share = 1
	for ; n != nil; n = n.parent {
		depth++
		share *= float64(n.weight) / 256
	}
	return depth, share
}

// node finds or makes a node; a new one depends on the root.
func (t *Tree) node(id uint32) *treeNode {
	n := t.nodes[id]
	if n == nil {
		if t.nodes == nil {
			t.nodes = make(map[uint32]*treeNode)
		}
		n = &treeNode{id: id, weight: DefaultWeight}
		t.nodes[id] = n
		t.closed = append(t.closed, n)
	}
	return n
}

// below is what depends on a node, or on the root.
func (t *Tree) below(n *treeNode) (all []*treeNode) {
	if n != nil {
		return append(all, n.children...)
	}
	for _, other := range t.nodes {
		if other.parent == nil {
			all = append(all, other)
		}
	}
	return all
}

func (n *treeNode) moveTo(parent *treeNode) {
	if old := n.parent; old != nil {
		old.children = without(old.children, n)
	}
	n.parent = parent
	if parent != nil {
		parent.children = append(parent.children, n)
	}
}

func without(all []*treeNode, n *treeNode) []*treeNode {
	for i, other := range all {
		if other == n {
			return append(all[:i], all[i+1:]...)
		}
	}
	return all
}

func (t *Tree) forgetClosed(n *treeNode) { t.closed = without(t.closed, n) }

// trim forgets the oldest of the streams that are not open. What depends on one
// depends on its parent then, and shares its weight.
func (t *Tree) trim() {
	for len(t.closed) > maxClosed {
		n := t.closed[0]
		t.closed = append(t.closed[:0], t.closed[1:]...)
		sum := 0
		for _, child := range n.children {
			sum += int(child.weight)
		}
		for _, child := range t.below(n) {
			child.weight = uint16(max(1, int(n.weight)*int(child.weight)/sum))
			child.moveTo(n.parent)
		}
		n.moveTo(nil)
		delete(t.nodes, n.id)
	}
}
