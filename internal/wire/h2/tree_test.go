package h2

import "testing"

// order checks that streams go one before the other.
func order(t *testing.T, tree *Tree, ids ...uint32) {
	t.Helper()
	for i := 1; i < len(ids); i++ {
		if !tree.Before(ids[i-1], ids[i]) || tree.Before(ids[i], ids[i-1]) {
			t.Errorf("%d is not before %d", ids[i-1], ids[i])
		}
	}
}

func TestTree(t *testing.T) {
	t.Run("nothing was said", func(t *testing.T) {
		var tree Tree
		if tree.Before(1, 3) || tree.Before(3, 1) || tree.Known() {
			t.Error("streams are not equal")
		}
	})
	t.Run("weights", func(t *testing.T) {
		var tree Tree
		tree.Depend(1, 0, 1, false)
		tree.Depend(3, 0, 256, false)
		order(t, &tree, 3, 5, 1)
	})
	t.Run("dependencies", func(t *testing.T) {
		var tree Tree
		tree.Depend(3, 0, 1, false)
		tree.Depend(1, 3, 256, false)
		order(t, &tree, 3, 1)
	})
	t.Run("weights below one", func(t *testing.T) {
		var tree Tree
		tree.Depend(5, 0, 17, false)
		tree.Depend(1, 5, 256, false)
		tree.Depend(3, 5, 1, false)
		order(t, &tree, 5, 1, 3)
	})
	t.Run("on what is not known", func(t *testing.T) {
		var tree Tree
		tree.Open(1)
		tree.Depend(3, 7, 1, true)
		order(t, &tree, 1, 3)
	})
	t.Run("exclusive", func(t *testing.T) {
		var tree Tree
		tree.Depend(1, 0, 16, false)
		tree.Depend(3, 1, 16, false)
		tree.Depend(5, 1, 16, true)
		order(t, &tree, 1, 5, 3)
		tree.Depend(7, 0, 16, true)
		order(t, &tree, 7, 1, 5, 3)
	})
	t.Run("circle", func(t *testing.T) {
		var tree Tree
		tree.Depend(1, 0, 16, false)
		tree.Depend(3, 1, 16, false)
		tree.Depend(5, 3, 16, false)
		tree.Depend(1, 5, 16, false)
		order(t, &tree, 5, 1, 3)
		tree.Depend(5, 1, 16, true)
		order(t, &tree, 1, 5, 3)
	})
	t.Run("the oldest of the closed goes", func(t *testing.T) {
		var tree Tree
		tree.Depend(1, 0, 128, false)
		tree.Depend(3, 1, 16, false)
		tree.Depend(5, 1, 48, false)
		tree.Open(3)
		tree.Open(5)
		for id := uint32(101); id < 101+2*maxClosed; id += 2 {
			tree.Open(id)
			tree.Close(id)
		}
		if tree.nodes[1] != nil || len(tree.nodes) > maxClosed+2 {
			t.Errorf("%d nodes", len(tree.nodes))
		}
		if got := [2]uint16{tree.nodes[3].weight, tree.nodes[5].weight}; got != [2]uint16{32, 96} {
			t.Errorf("weights %v", got)
		}
		order(t, &tree, 5, 3)
	})
}

func FuzzTree(f *testing.F) {
	f.Add([]byte{0x41, 0x10, 0x13, 0x31, 0x81, 0x91})
	f.Fuzz(func(t *testing.T, steps []byte) {
		var tree Tree
		open := map[uint32]bool{}
		for i, step := range steps {
			id, on := uint32(step&15)+uint32(i/32)*16, uint32(step>>4)
			switch i % 4 {
			case 0:
				tree.Open(id)
				open[id] = true
			case 1:
				tree.Close(id)
				delete(open, id)
			default:
				tree.Depend(id, on, uint16(step)+1, i%8 < 4)
			}
		}
		if len(tree.nodes) > len(open)+maxClosed+1 {
			t.Fatalf("%d nodes for %d streams", len(tree.nodes), len(open))
		}
		for id, n := range tree.nodes {
			depth, share := tree.place(id)
			if depth > len(tree.nodes) || share < 0 || share > 1 || n.open != open[id] {
				t.Fatalf("%d: depth %d, share %v, open %v", id, depth, share, n.open)
			}
			for _, child := range n.children {
				if child.parent != n || tree.nodes[child.id] != child {
					t.Fatalf("%d is not the parent of %d", id, child.id)
				}
			}
		}
	})
}
