package crypt

import "strings"

// desCrypt is the hash of Unix's seventh edition: the password is the key with
// which a block of zeros is encrypted 25 times by DES, and the salt, the first
// two digits of hash, twists DES so that its hardware is of no use. Only the
// first eight bytes of a password count. Package des has no twist. Everything is
// done bit by bit, which takes a tenth of a millisecond.
func desCrypt(password, hash string) string {
	if len(hash) < 2 {
		return ""
	}
	var d des
	for i := range 48 {
		d.expansion[i] = byte((4*(i/6) + i%6 + 31) % 32)
	}
	for i := range 2 {
		digit := strings.IndexByte(digits64, hash[i])
		if digit < 0 {
			return ""
		}
		for j := range 6 {
			if digit>>j&1 != 0 {
				k := 6*i + j
				d.expansion[k], d.expansion[k+24] = d.expansion[k+24], d.expansion[k]
			}
		}
	}
	var key [64]byte
	for i := range min(len(password), 8) {
		for j := range 7 {
			key[8*i+j] = password[i] >> (6 - j) & 1
		}
	}
	d.schedule(&key)
	var block [66]byte // two bits more, for the last digit
	for range 25 {
		d.encrypt((*[64]byte)(block[:]))
	}
	dst := append(make([]byte, 0, 13), hash[:2]...)
	for i := 0; i < len(block); i += 6 {
		digit := 0
		for _, bit := range block[i : i+6] {
			digit = digit<<1 | int(bit)
		}
		dst = append(dst, digits64[digit])
	}
	return string(dst)
}

// des is the cipher of FIPS 46 with bits in bytes, highest first.
type des struct {
	expansion [48]byte // of half a block, as the salt has twisted it
	keys      [16][48]byte
}

// schedule makes the key of each round. The tables count bits from 1.
func (d *des) schedule(key *[64]byte) {
	var c [56]byte
	for i, from := range keyChoice1 {
		c[i] = key[from-1]
	}
	for round := range d.keys {
		turns := 2
		if round < 2 || round == 8 || round == 15 {
			turns = 1
		}
		for range turns {
			first, second := c[0], c[28]
			copy(c[:28], c[1:28])
			copy(c[28:], c[29:])
			c[27], c[55] = first, second
		}
		for i, from := range keyChoice2 {
			d.keys[round][i] = c[from-1]
		}
	}
}

func (d *des) encrypt(block *[64]byte) {
	var halves [64]byte
	for i := range halves {
		halves[i] = block[permuted(i)]
	}
	left, right := (*[32]byte)(halves[:32]), (*[32]byte)(halves[32:])
	for round := range d.keys {
		mixed := d.mix(right, &d.keys[round])
		for i := range mixed {
			mixed[i] ^= left[i]
		}
		*left, *right = *right, mixed
	}
	for i := range halves {
		block[permuted(i)] = halves[i^32] // the halves change places at the end
	}
}

// permuted is where bit i of the initial permutation comes from.
func permuted(i int) int {
	row, column := i/8, i%8
	return 8*(7-column) + [8]int{1, 3, 5, 7, 0, 2, 4, 6}[row]
}

// mix is the function f of a round.
func (d *des) mix(half *[32]byte, key *[48]byte) (mixed [32]byte) {
	var chosen [32]byte
	for box := range 8 {
		var in [6]byte
		for j := range in {
			k := 6*box + j
			in[j] = half[d.expansion[k]] ^ key[k]
		}
		row := in[0]<<1 | in[5]
		column := in[1]<<3 | in[2]<<2 | in[3]<<1 | in[4]
		out := substitution[box][16*row+column]
		for j := range 4 {
			chosen[4*box+j] = out >> (3 - j) & 1
		}
	}
	for i, from := range permutation {
		mixed[i] = chosen[from-1]
	}
	return mixed
}

// The tables of FIPS 46-3.

var keyChoice1 = [56]byte{
	57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18,
	10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
	63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22,
	14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
}

var keyChoice2 = [48]byte{
	14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10,
	23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2,
	41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48,
	44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
}

var permutation = [32]byte{
	16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10,
	2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
}

var substitution = [8][64]byte{
	{
		14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7,
		0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8,
		4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0,
		15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
	},
	{
		15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10,
		3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5,
		0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15,
		13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
	},
	{
		10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8,
		13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1,
		13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7,
		1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
	},
	{
		7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15,
		13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9,
		10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4,
		3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
	},
	{
		2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9,
		14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6,
		4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14,
		11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
	},
	{
		12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11,
		10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8,
		9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6,
		4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
	},
	{
		4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1,
		13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6,
		1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2,
		6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
	},
	{
		13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7,
		1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2,
		7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8,
		2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
	},
}
