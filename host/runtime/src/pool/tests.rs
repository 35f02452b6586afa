use super::*;

#[test]
fn the_pool_fits_into_the_mappings_of_the_process() {
    for (max_map_count, expected) in
        [(65_530, 10_255), (262_144, 20_000), (1_048_576, 20_000), (1_000, 16)]
    {
        assert_eq!(slots(max_map_count), expected, "max_map_count = {max_map_count}");
    }
}
