//! The fast pass: the products of some rows and all queries in f32, and which of them are candidates.
//!
//! A tile is the product of a few rows and one panel of queries. Its sums stay in registers while the
//! dimensions go by: three registers hold one number of every query of the panel, and each row's number
//! is spread over a fourth.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined is compiled for the least processor"
)]

use pulp::{Simd, WithSimd};

use crate::knn::bound::RowLimit;

/// Vector registers that hold one number of every query of a panel.
pub(super) const REGISTERS: usize = 3;
/// Rows that are multiplied together; the rest of a group repeats its last row.
pub(super) const GROUP: usize = 8;
/// Dimensions between two looks at the bounds of slices.
const STEP: usize = 8;
/// The most numbers that a register of any processor holds.
const MAX_LANES: usize = 64;

/// Rows that are multiplied together.
pub(super) struct Group<'a> {
    pub(super) rows: [&'a [f32]; GROUP],
    pub(super) limits: [RowLimit; GROUP],
}

/// What is done with candidates.
pub(super) trait Candidates {
    /// The queries' limits, for each place of each panel: the parts a and b of `bound.rs`.
    fn limits(&self) -> (&[f32], &[f32]);
    /// Takes a candidate: a row of the group, and a place of a panel counted over all panels.
    fn take(&mut self, row: usize, place: usize);
}

/// One group of rows and every panel. The output is nothing: candidates are taken on the way, so that
/// the limits rise with them.
pub(super) struct Pass<'a, P, C> {
    pub(super) group: &'a Group<'a>,
    pub(super) panels: P,
    pub(super) candidates: &'a mut C,
}

impl<'q, P: Iterator<Item = &'q [f32]>, C: Candidates> WithSimd for Pass<'_, P, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = REGISTERS * S::F32_LANES;
        for (panel, values) in self.panels.enumerate() {
            let first = panel * width;
            // The sums, a panel's line and one number of a row must fit into the registers.
            if S::REGISTER_COUNT >= 32 {
                tile_and_take::<S, C, 8>(simd, self.group, 0, values, first, self.candidates);
            } else {
                tile_and_take::<S, C, 4>(simd, self.group, 0, values, first, self.candidates);
                tile_and_take::<S, C, 4>(simd, self.group, 4, values, first, self.candidates);
            }
        }
    }
}

/// Rows `from..from + ROWS` of the group and one panel, whose first query has place `first`.
#[inline(always)]
fn tile_and_take<S: Simd, C: Candidates, const ROWS: usize>(
    simd: S,
    group: &Group<'_>,
    from: usize,
    panel: &[f32],
    first: usize,
    candidates: &mut C,
) {
    let (lanes, _) = S::as_simd_f32s(panel);
    let (panel, _) = lanes.as_chunks::<REGISTERS>();
    let rows: [&[f32]; ROWS] = std::array::from_fn(|row| group.rows[from + row]);
    let sums = tile(simd, rows, panel);
    let places = first..first + REGISTERS * S::F32_LANES;
    let limits = limits(simd, candidates, places.clone());
    let mut reached = [simd.less_than_f32s(sums[0][0], sums[0][0]); ROWS];
    let mut any = reached[0];
    for row in 0..ROWS {
        let of_row = group.limits[from + row];
        let (x, y) = (simd.splat_f32s(of_row.x), simd.splat_f32s(of_row.y));
        for register in 0..REGISTERS {
            let (a, b) = limits[register];
            let limit = simd.add_f32s(simd.mul_add_e_f32s(b, x, a), y);
            let here = simd.less_than_or_equal_f32s(limit, sums[row][register]);
            reached[row] = simd.or_m32s(reached[row], here);
        }
        any = simd.or_m32s(any, reached[row]);
    }
    if simd.first_true_m32s(any) >= S::F32_LANES {
        return;
    }
    for row in 0..ROWS {
        if simd.first_true_m32s(reached[row]) < S::F32_LANES {
            let mut products = [0.0; REGISTERS * MAX_LANES];
            let (store, _) = S::as_mut_simd_f32s(&mut products);
            store[..REGISTERS].copy_from_slice(&sums[row]);
            take_row(
                &products,
                group.limits[from + row],
                from + row,
                first,
                places.len(),
                candidates,
            );
        }
    }
}

/// The products of rows and queries, summed over the dimensions.
#[inline(always)]
fn tile<S: Simd, const ROWS: usize>(
    simd: S,
    rows: [&[f32]; ROWS],
    panel: &[[S::f32s; REGISTERS]],
) -> [[S::f32s; REGISTERS]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); REGISTERS]; ROWS];
    let (steps, rest) = panel.as_chunks::<STEP>();
    let rest_from = steps.len() * STEP;
    let row_steps: [&[[f32; STEP]]; ROWS] =
        rows.map(|row| &row.as_chunks::<STEP>().0[..steps.len()]);
    for (step, lines) in steps.iter().enumerate() {
        let numbers: [&[f32; STEP]; ROWS] = row_steps.map(|row| &row[step]);
        for i in 0..STEP {
            for row in 0..ROWS {
                let number = simd.splat_f32s(numbers[row][i]);
                for register in 0..REGISTERS {
                    let sum = &mut sums[row][register];
                    *sum = simd.mul_add_e_f32s(number, lines[i][register], *sum);
                }
            }
        }
    }
    for (i, line) in rest.iter().enumerate() {
        for row in 0..ROWS {
            let number = simd.splat_f32s(rows[row][rest_from + i]);
            for register in 0..REGISTERS {
                let sum = &mut sums[row][register];
                *sum = simd.mul_add_e_f32s(number, line[register], *sum);
            }
        }
    }
    sums
}

/// The parts a and b of a panel's limits.
#[inline(always)]
fn limits<S: Simd, C: Candidates>(
    _: S,
    candidates: &C,
    places: std::ops::Range<usize>,
) -> [(S::f32s, S::f32s); REGISTERS] {
    let (a, b) = candidates.limits();
    let (a, _) = S::as_simd_f32s(&a[places.clone()]);
    let (b, _) = S::as_simd_f32s(&b[places]);
    std::array::from_fn(|register| (a[register], b[register]))
}

/// One row of a tile in which something was reached, number by number.
#[cold]
#[inline(never)]
fn take_row<C: Candidates>(
    products: &[f32],
    of_row: RowLimit,
    row: usize,
    first: usize,
    width: usize,
    candidates: &mut C,
) {
    for (lane, product) in products[..width].iter().enumerate() {
        let place = first + lane;
        let (a, b) = candidates.limits();
        // Rounded once more than in the registers at most, which the bound has room for.
        let limit = b[place] * of_row.x + a[place] + of_row.y;
        if limit <= *product {
            candidates.take(row, place);
        }
    }
}
