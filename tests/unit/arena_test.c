#include "base/arena.h"
#include "tests/unit/child.h"
#include "tests/unit/unit.h"
#include <stdalign.h>

static void every_allocation_is_zeroed_aligned_and_its_own(void **state)
{
    ARENA_SCOPE arena = { 0 };
    char *chunks[400];
    (void)state;

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
            size_t size = i * 7 % 300;

            chunks[i] = arena_alloc(&arena, size);
            assert_int_equal((uintptr_t)chunks[i] % alignof(max_align_t), 0);
            for (size_t j = 0; j < size; j++)
                assert_int_equal(chunks[i][j], 0);
            memset(chunks[i], (int)i, size);
        }
        for (size_t i = 0; i < ARRAY_LEN(chunks); i++) {
            for (size_t j = 0; j < i * 7 % 300; j++)
                assert_int_equal((unsigned char)chunks[i][j], (unsigned char)i);
        }
        arena_reset(&arena);
    }
}

static void a_warm_arena_gives_the_same_memory_again(void **state)
{
    ARENA_SCOPE arena = { 0 };
    void *first, *second, *large;
    (void)state;

    first = arena_alloc(&arena, 100);
    second = arena_alloc(&arena, 10000);
    large = arena_alloc(&arena, 100000);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 100), first);
    assert_ptr_equal(arena_alloc(&arena, 10000), second);
    assert_ptr_equal(arena_alloc(&arena, 100000), large);
}

static void a_block_past_a_mebibyte_does_not_survive_a_reset(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct arena_block *small;
    (void)state;

    arena_alloc(&arena, 2 << 20);
    arena_reset(&arena);
    assert_null(arena.first);
    arena_alloc(&arena, 16);
    small = arena.first;
    arena_alloc(&arena, 2 << 20);
    arena_reset(&arena);
    assert_ptr_equal(arena.first, small);
    arena_free(&arena);
    assert_null(arena.first);
    assert_null(arena.current);
}

static void the_latest_allocation_grows_in_place_and_others_do_not(void **state)
{
    ARENA_SCOPE arena = { 0 };
    char *first, *second;
    (void)state;

    assert_null(arena_extend(&arena, NULL, 0, 16));
    first = arena_alloc(&arena, 10);
    memset(first, 'a', 10);
    first = arena_extend(&arena, first, 10, 1000);
    assert_non_null(first);
    assert_int_equal(first[9], 'a');
    assert_int_equal(first[10], 0);
    assert_int_equal(first[999], 0);
    second = arena_alloc(&arena, 10);
    assert_true(second >= first + 1000);
    assert_null(arena_extend(&arena, first, 1000, 1001 + 16));
    assert_null(arena_extend(&arena, second, 10, 1 << 20));
}

static void copies_and_formatted_text_end_with_a_nul_that_does_not_count(void **state)
{
    ARENA_SCOPE arena = { 0 };
    struct text copy = arena_copy(&arena, TEXT("abc"));
    struct text empty = arena_copy(&arena, (struct text){ NULL, 0 });
    struct text printed = arena_printf(&arena, "%s-%03d", "id", 7);
    (void)state;

    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.ptr, "abc");
    assert_int_equal(empty.len, 0);
    assert_string_equal(empty.ptr, "");
    assert_int_equal(printed.len, 6);
    assert_string_equal(printed.ptr, "id-007");
}

static void allocate_too_many(void *arg)
{
    struct arena arena = { 0 };

    arena_array(&arena, *(size_t *)arg, 16);
}

static void an_array_whose_size_overflows_ends_the_process_with_a_line(void **state)
{
    volatile size_t count = SIZE_MAX / 8;
    struct child child = child_run(allocate_too_many, (void *)&count);
    (void)state;

    assert_true(WIFSIGNALED(child.status) || child_exit_code(&child) != 0);
    assert_non_null(strstr(child.out, "out of memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_is_zeroed_aligned_and_its_own),
        cmocka_unit_test(a_warm_arena_gives_the_same_memory_again),
        cmocka_unit_test(a_block_past_a_mebibyte_does_not_survive_a_reset),
        cmocka_unit_test(the_latest_allocation_grows_in_place_and_others_do_not),
        cmocka_unit_test(copies_and_formatted_text_end_with_a_nul_that_does_not_count),
        cmocka_unit_test(an_array_whose_size_overflows_ends_the_process_with_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
