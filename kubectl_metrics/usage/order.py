"""The order in which kubectl prints rows whose sort keys are equal.

``kubectl top --sort-by`` sorts with Go's ``sort.Sort``, which is not stable: where many pods use 1m CPU, their order is
whatever the algorithm leaves behind. It is deterministic, though, so the same table needs the same algorithm: Go's
pattern-defeating quicksort (Go 1.19 and later; golang.org src/sort, after Orson Peters' pdqsort). Up to twelve rows it
is an insertion sort, and with distinct keys every algorithm agrees: then Python's own sort serves.
"""

from __future__ import annotations

from collections.abc import Sequence

_INSERTION = 12  # up to this length Go sorts by insertion, which is stable
_NINTHER = 50  # from this length the pivot is a median of three medians


def descending(keys: Sequence[int]) -> list[int]:
    """The indices of ``keys``, largest key first, equal keys in the order in which Go's sort.Sort leaves them."""
    order = list(range(len(keys)))
    if len(keys) <= _INSERTION or len(set(keys)) == len(keys):
        order.sort(key=lambda index: -keys[index])
        return order
    sorter = _Sorter([-key for key in keys], order)
    sorter.sort(0, len(keys), len(keys).bit_length())
    return order


class _Sorter:
    """Sorts ``keys`` ascending and moves ``order`` along with it. Ranges are half open: [start, end)."""

    def __init__(self, keys: list[int], order: list[int]) -> None:
        self.keys = keys
        self.order = order

    def swap(self, i: int, j: int) -> None:
        keys, order = self.keys, self.order
        keys[i], keys[j] = keys[j], keys[i]
        order[i], order[j] = order[j], order[i]

    def sort(self, start: int, end: int, bad_pivots_left: int) -> None:
        """Sorts a range; after too many bad pivots it gives the rest to heapsort."""
        balanced = partitioned = True
        while end - start > _INSERTION:
            if bad_pivots_left == 0:
                self._heap_sort(start, end)
                return
            if not balanced:
                self._break_patterns(start, end)
                bad_pivots_left -= 1
            pivot, hint = self._choose_pivot(start, end)
            if hint < 0:  # looks descending: turn it round
                self._reverse(start, end)
                pivot = (end - 1) - (pivot - start)
                hint = 1
            if balanced and partitioned and hint > 0 and self._nearly_sorted(start, end):
                return
            if start > 0 and self.keys[start - 1] >= self.keys[pivot]:
                # The element before the range is not smaller than the pivot, so nothing in the range is smaller.
                start = self._partition_equal(start, end, pivot)
                continue
            middle, partitioned = self._partition(start, end, pivot)
            left, right = middle - start, end - middle
            enough = (end - start) // 8
            if left < right:
                balanced = left >= enough
                self.sort(start, middle, bad_pivots_left)
                start = middle + 1
            else:
                balanced = right >= enough
                self.sort(middle + 1, end, bad_pivots_left)
                end = middle
        self._insertion_sort(start, end)

    def _insertion_sort(self, start: int, end: int) -> None:
        keys = self.keys
        moved = sorted(range(start, end), key=keys.__getitem__)  # stable, and so is insertion
        self.order[start:end] = [self.order[index] for index in moved]
        keys[start:end] = [keys[index] for index in moved]

    def _partition(self, start: int, end: int, pivot: int) -> tuple[int, bool]:
        """Smaller elements left of the returned index, the rest right of it; and whether nothing had to move."""
        self.swap(start, pivot)
        keys, order = self.keys, self.order
        key = keys[start]
        i, j = start + 1, end - 1
        moved = False
        while True:
            while i <= j and keys[i] < key:
                i += 1
            while i <= j and keys[j] >= key:
                j -= 1
            if i > j:
                self.swap(j, start)
                return j, not moved
            moved = True
            keys[i], keys[j] = keys[j], keys[i]
            order[i], order[j] = order[j], order[i]
            i += 1
            j -= 1

    def _partition_equal(self, start: int, end: int, pivot: int) -> int:
        """Elements equal to the pivot first; returns where the greater ones begin. There are no smaller ones."""
        self.swap(start, pivot)
        keys, order = self.keys, self.order
        key = keys[start]
        i, j = start + 1, end - 1
        while True:
            while i <= j and keys[i] <= key:
                i += 1
            while i <= j and keys[j] > key:
                j -= 1
            if i > j:
                return i
            keys[i], keys[j] = keys[j], keys[i]
            order[i], order[j] = order[j], order[i]
            i += 1
            j -= 1

    def _nearly_sorted(self, start: int, end: int) -> bool:
        """Mends up to five pairs that are out of order; whether the range is sorted then."""
        keys = self.keys
        i = start + 1
        for _ in range(5):
            while i < end and keys[i] >= keys[i - 1]:
                i += 1
            if i == end:
                return True
            if end - start < 50:
                return False
            self.swap(i, i - 1)
            if i - start >= 2:
                j = i - 1
                while j >= 1 and keys[j] < keys[j - 1]:
                    self.swap(j, j - 1)
                    j -= 1
            if end - i >= 2:
                j = i + 1
                while j < end and keys[j] < keys[j - 1]:
                    self.swap(j, j - 1)
                    j += 1
        return False

    def _break_patterns(self, start: int, end: int) -> None:
        """Swaps three elements around the middle with random ones: Marsaglia's xorshift, seeded by the length."""
        length = end - start
        random = length
        mask = (1 << length.bit_length()) - 1
        middle = start + length // 4 * 2
        for index in (middle - 1, middle, middle + 1):
            random ^= random << 13 & 0xFFFF_FFFF_FFFF_FFFF
            random ^= random >> 7
            random ^= random << 17 & 0xFFFF_FFFF_FFFF_FFFF
            other = random & mask
            if other >= length:
                other -= length
            self.swap(index, start + other)

    def _choose_pivot(self, start: int, end: int) -> tuple[int, int]:
        """A pivot's index, and a hint: 1 the range looks ascending, -1 descending, 0 neither."""
        length = end - start
        quarter = length // 4
        i, j, k = start + quarter, start + quarter * 2, start + quarter * 3
        swaps = 0
        if length >= _NINTHER:
            i, n1 = self._median(i - 1, i, i + 1)
            j, n2 = self._median(j - 1, j, j + 1)
            k, n3 = self._median(k - 1, k, k + 1)
            swaps = n1 + n2 + n3
        j, n = self._median(i, j, k)
        swaps += n
        return j, 1 if swaps == 0 else -1 if swaps == 12 else 0

    def _median(self, a: int, b: int, c: int) -> tuple[int, int]:
        """The index of the median of three, and how many exchanges it took to find it."""
        keys = self.keys
        swaps = 0
        if keys[b] < keys[a]:
            a, b = b, a
            swaps += 1
        if keys[c] < keys[b]:
            b, c = c, b
            swaps += 1
        if keys[b] < keys[a]:
            a, b = b, a
            swaps += 1
        return b, swaps

    def _reverse(self, start: int, end: int) -> None:
        self.keys[start:end] = self.keys[start:end][::-1]
        self.order[start:end] = self.order[start:end][::-1]

    def _heap_sort(self, start: int, end: int) -> None:
        length = end - start
        for root in range((length - 1) // 2, -1, -1):
            self._sift_down(root, length, start)
        for last in range(length - 1, -1, -1):
            self.swap(start, start + last)
            self._sift_down(0, last, start)

    def _sift_down(self, root: int, length: int, start: int) -> None:
        keys = self.keys
        while (child := 2 * root + 1) < length:
            if child + 1 < length and keys[start + child] < keys[start + child + 1]:
                child += 1
            if keys[start + root] >= keys[start + child]:
                return
            self.swap(start + root, start + child)
            root = child
