//! Matrix products into buffers that exist already.
//!
//! The one module with unsafe code: the library's kernel takes bare pointers. Lengths are checked before; one thread computes a product, so that
//! its sums have one order.
#![expect(unsafe_code, reason = "the kernel of the gemm crate takes pointers and strides")]

/// Rows of the left side, what is summed over, columns of the right side.
pub(super) type Shape = (usize, usize, usize);
/// Whether either side is stored turned.
pub(super) type Turned = (bool, bool);

/// `into = a b`, or `into += a b`, row by row.
///
/// # Shapes
/// with `(m, k, n)`: `[m, k]` (turned: stored as `[k, m]`) x `[k, n]` (turned: `[n, k]`) -> `[m, n]`
pub(super) fn multiply(into: &mut [f32], a: &[f32], b: &[f32], shape: Shape, turned: Turned, add: bool) {
    let (m, k, n) = shape;
    assert!(into.len() == m * n && a.len() == m * k && b.len() == k * n, "a product of {m} x {k} x {n} over other lengths");
    if m == 0 || n == 0 || k == 0 {
        if !add {
            into.fill(0.0);
        }
        return;
    }
    let strides = |turned: bool, rows: usize, columns: usize| if turned { (rows as isize, 1) } else { (1, columns as isize) };
    let ((a_column, a_row), (b_column, b_row)) = (strides(turned.0, m, k), strides(turned.1, k, n));
    // SAFETY: the largest index that these strides reach is one below each slice's length, as asserted; `into` is borrowed alone.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            into.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.as_ptr(),
            a_column,
            a_row,
            b.as_ptr(),
            b_column,
            b_row,
            1.0_f32,
            1.0_f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// The same into a buffer of its own.
pub(super) fn product(a: &[f32], b: &[f32], shape: Shape, turned: Turned) -> Vec<f32> {
    let mut into = vec![0.0; shape.0 * shape.2];
    multiply(&mut into, a, b, shape, turned, false);
    into
}

/// `x W + b`.
///
/// # Shapes
/// `[rows, inputs] -> [rows, outputs]`, `outputs` being the length of `bias`
pub(super) fn affine(x: &[f32], weight: &[f32], bias: &[f32], inputs: usize) -> Vec<f32> {
    let rows = x.len() / inputs.max(1);
    let mut into = bias.repeat(rows);
    multiply(&mut into, x, weight, (rows, inputs, bias.len()), (false, false), true);
    into
}

/// Sums of columns of this many.
pub(super) fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for row in values.chunks_exact(columns.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

/// Rows become columns.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut turned = vec![0.0; values.len()];
    for (row, cells) in values.chunks_exact(columns.max(1)).enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            turned[column * rows + row] = *cell;
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand_however_they_are_stored() {
        // [1 2 3; 4 5 6] x [1 0; 2 1; 0 3] = [5 11; 14 23]
        let (a, b) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 0.0, 2.0, 1.0, 0.0, 3.0]);
        let (a_turned, b_turned) = (transposed(&a, 2, 3), transposed(&b, 3, 2));
        assert_eq!(a_turned, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let wanted = [5.0, 11.0, 14.0, 23.0];
        for (a, b, turned) in
            [(&a[..], &b[..], (false, false)), (&a_turned, &b, (true, false)), (&a, &b_turned, (false, true)), (&a_turned, &b_turned, (true, true))]
        {
            assert_eq!(product(a, b, (2, 3, 2), turned), wanted);
        }
        let mut sum = [1.0; 4];
        multiply(&mut sum, &a, &b, (2, 3, 2), (false, false), true);
        assert_eq!(sum, [6.0, 12.0, 15.0, 24.0]);
        multiply(&mut sum, &[], &[], (2, 0, 2), (false, false), false);
        assert_eq!(sum, [0.0; 4]);
        assert_eq!((affine(&a, &b, &[10.0, 20.0], 3), column_sums(&a, 3)), (vec![15.0, 31.0, 24.0, 43.0], vec![5.0, 7.0, 9.0]));
    }
}
