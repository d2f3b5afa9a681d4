//! Many-dimensional points in the plane: t-SNE (van der Maaten 2014, Barnes-Hut), for looking at, not for ranking.
//!
//! The library draws its start from the system, so that two pictures of the same points differ in how they are turned.

/// Epochs of the descent.
const EPOCHS: usize = 600;
/// How coarse the approximation is.
const THETA: f32 = 0.5;

/// A place in the plane for every point; none at all for fewer than seven points, which have no neighbourhoods to keep.
#[must_use]
pub fn plane(points: &[Vec<f32>]) -> Vec<[f32; 2]> {
    let perplexity = 20.0_f32.min((points.len().saturating_sub(1)) as f32 / 3.5);
    if points.len() < 7 {
        return vec![];
    }
    let points: Vec<&[f32]> = points.iter().map(Vec::as_slice).collect();
    let mut tsne = bhtsne::tSNE::new(&points);
    tsne.embedding_dim(2).perplexity(perplexity).epochs(EPOCHS);
    let embedded = tsne.barnes_hut(THETA, |a, b| a.iter().zip(b.iter()).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()).embedding();
    embedded.chunks_exact(2).map(|p| [p[0], p[1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stay_neighbours() {
        let bundle = |at: f32| (0..20).map(move |i| vec![at, at, i as f32 * 0.01]);
        let points: Vec<Vec<f32>> = bundle(0.0).chain(bundle(10.0)).collect();
        let plane = plane(&points);
        let distance = |a: usize, b: usize| (plane[a][0] - plane[b][0]).hypot(plane[a][1] - plane[b][1]);
        let mean = |pairs: Vec<(usize, usize)>| pairs.iter().map(|(a, b)| distance(*a, *b)).sum::<f32>() / pairs.len() as f32;
        let within = mean((1..20).map(|i| (0, i)).chain((21..40).map(|i| (20, i))).collect());
        let across = mean((0..20).map(|i| (i, 20 + i)).collect());
        assert!(across > 2.0 * within, "{across} {within}");
        assert!(super::plane(&points[..6]).is_empty());
    }
}
