package h2

// A huffmanStep is what four bits do in one state of the decoder. Codes have at
// least five bits, so at most one symbol ends in them.
type huffmanStep struct {
	next   uint8
	symbol uint8
	flags  uint8
}

const (
	huffmanSymbol uint8 = 1 << iota // symbol ended here
	huffmanFinal                    // the string may end here: see maxPadding
	huffmanBroken                   // this begins no code
)

// maxPadding is how many ones may stand behind the last symbol. RFC 7541 says 7; as
// nginx we take a whole byte of them.
const maxPadding = 8

// huffmanSteps has 16 steps for each state, which is a node of the tree of codes;
// the tree has 256 inner nodes, of which the last ones lead only to EOS.
var huffmanSteps = makeHuffmanSteps()

func makeHuffmanSteps() [256][16]huffmanStep {
	type node struct {
		child  [2]int // 0: none
		symbol int    // -1: an inner node
		ones   int    // bits from the root, when all of them are ones; else -1
	}
	nodes := []node{{symbol: -1}}
	for symbol, code := range huffmanCodes {
		at := 0
		for bit := int(huffmanLengths[symbol]) - 1; bit >= 0; bit-- {
			b := code >> bit & 1
			if nodes[at].child[b] == 0 {
				ones := -1
				if b == 1 && nodes[at].ones >= 0 {
					ones = nodes[at].ones + 1
				}
				nodes = append(nodes, node{symbol: -1, ones: ones})
				nodes[at].child[b] = len(nodes) - 1
			}
			at = nodes[at].child[b]
		}
		nodes[at].symbol = symbol
	}
	state := make([]uint8, len(nodes)) // of inner nodes
	inner := 0
	for i := range nodes {
		if nodes[i].symbol < 0 {
			state[i] = uint8(inner)
			inner++
		}
	}
	var steps [256][16]huffmanStep
	for i := range nodes {
		if nodes[i].symbol >= 0 {
			continue
		}
		for bits := range 16 {
			var step huffmanStep
			at := i
			for b := 3; b >= 0; b-- {
				at = nodes[at].child[bits>>b&1]
				if at == 0 {
					step = huffmanStep{flags: huffmanBroken}
					break
				}
				if s := nodes[at].symbol; s >= 0 {
					step.symbol, step.flags = uint8(s), huffmanSymbol
					at = 0
				}
			}
			if step.flags != huffmanBroken {
				step.next = state[at]
				if n := nodes[at].ones; n >= 0 && n <= maxPadding {
					step.flags |= huffmanFinal
				}
			}
			steps[state[i]][bits] = step
		}
	}
	return steps
}

// appendHuffman appends src decoded; ok is false when it is no such string.
func appendHuffman(dst, src []byte) (out []byte, ok bool) {
	var state uint8
	final := true
	for _, c := range src {
		step := huffmanSteps[state][c>>4]
		if step.flags&huffmanSymbol != 0 {
			dst = append(dst, step.symbol)
		}
		if step.flags&huffmanBroken != 0 {
			return dst, false
		}
		step = huffmanSteps[step.next][c&15]
		if step.flags&huffmanSymbol != 0 {
			dst = append(dst, step.symbol)
		}
		if step.flags&huffmanBroken != 0 {
			return dst, false
		}
		state, final = step.next, step.flags&huffmanFinal != 0
	}
	return dst, final
}

// huffmanSize is how many bytes s takes encoded.
func huffmanSize(s string) int {
	bits := 0
	for i := 0; i < len(s); i++ {
		bits += int(huffmanLengths[s[i]])
	}
	return (bits + 7) / 8
}

// encodeHuffman appends s encoded.
func encodeHuffman(dst []byte, s string) []byte {
	var word uint64
	held := uint(0) // bits in word
	for i := 0; i < len(s); i++ {
		n := uint(huffmanLengths[s[i]])
		word = word<<n | uint64(huffmanCodes[s[i]])
		for held += n; held >= 8; {
			held -= 8
			dst = append(dst, byte(word>>held))
		}
	}
	if held > 0 {
		dst = append(dst, byte(word<<(8-held))|byte(1<<(8-held)-1))
	}
	return dst
}
