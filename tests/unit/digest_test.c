/* digest_test.c - digests against values that another implementation (Python's hashlib) gave for the same bytes. */
#include "io/digest.h"
#include "unit.h"

#include <stdio.h>

static void assert_digest(const struct digest *digest, const char *expected)
{
    char hex[2 * sizeof digest->bytes + 1];

    for (size_t i = 0; i < sizeof digest->bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest->bytes[i]);
    assert_string_equal(hex, expected);
}

static void no_parts_give_the_digest_of_nothing(void **state)
{
    struct digest digest = digest_parts(NULL, 0);

    (void)state;
    assert_digest(&digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"); /* FIPS 180-4 */
}

static void each_part_follows_its_length(void **state)
{
    const struct text parts[] = { TEXT("abc") };
    struct digest digest = digest_parts(parts, 1);

    (void)state;
    assert_digest(&digest, "c3494ca1a2cf8eeb8a11ded316fb55b83c3bbbedb6313cd50415251e5d09e12f");
}

static void parts_cut_elsewhere_give_another_digest(void **state)
{
    const struct text parts[] = { TEXT("ab"), TEXT("c") };
    struct digest digest = digest_parts(parts, 2);

    (void)state;
    assert_digest(&digest, "601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f");
}

static void an_empty_part_counts(void **state)
{
    const struct text parts[] = { TEXT("ab"), { NULL, 0 }, TEXT("c") };
    struct digest with = digest_parts(parts, 3);
    struct digest without = digest_parts((const struct text[]){ TEXT("ab"), TEXT("c") }, 2);

    (void)state;
    assert_false(digest_equal(&with, &without));
}

/* Keys and data of RFC 4231 cases 1 and 6, the data framed. */
static void hmac_frames_its_parts_likewise(void **state)
{
    const struct text parts[] = { TEXT("Hi There") };
    char key[20];
    struct digest digest;

    (void)state;
    memset(key, 0x0b, sizeof key);
    digest = digest_hmac((struct text){ key, sizeof key }, parts, 1);
    assert_digest(&digest, "70454c00e162637b41588d34d6e73e7ab2fb58fdde827b1e084ecaeb378dca60");
}

static void hmac_takes_keys_longer_than_a_block(void **state)
{
    const struct text parts[] = { TEXT("Test Using Larger Than Block-Size Key - Hash Key First") };
    char key[131];
    struct digest digest;

    (void)state;
    memset(key, 0xaa, sizeof key);
    digest = digest_hmac((struct text){ key, sizeof key }, parts, 1);
    assert_digest(&digest, "89b7722a94d5e6bd2ea45844714b7e1c67bd6f830adc148c508f6ad1855c0c2a");
}

/* RFC 4231 case 1. */
static void a_signature_is_over_the_bytes_alone(void **state)
{
    char key[20];
    struct digest digest;

    (void)state;
    memset(key, 0x0b, sizeof key);
    digest = digest_sign((struct text){ key, sizeof key }, TEXT("Hi There"));
    assert_digest(&digest, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

/* RFC 4648 section 10. */
static void base64_is_padded(void **state)
{
    static const char *const encoded[] = { "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };

    (void)state;
    for (size_t len = 0; len <= 6; len++) {
        ARENA_SCOPE arena = { 0 };
        struct buf out = BUF_IN(&arena);

        digest_base64(&out, "foobar", len);
        assert_true(text_is(buf_view(&out), encoded[len]));
    }
}

static void the_short_form_is_the_first_half(void **state)
{
    struct digest digest = digest_parts(NULL, 0);
    struct uuid half = digest_short(&digest);

    (void)state;
    assert_memory_equal(half.bytes, digest.bytes, sizeof half.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_parts_give_the_digest_of_nothing),     cmocka_unit_test(each_part_follows_its_length),
        cmocka_unit_test(parts_cut_elsewhere_give_another_digest), cmocka_unit_test(an_empty_part_counts),
        cmocka_unit_test(hmac_frames_its_parts_likewise),          cmocka_unit_test(hmac_takes_keys_longer_than_a_block),
        cmocka_unit_test(a_signature_is_over_the_bytes_alone),     cmocka_unit_test(base64_is_padded),
        cmocka_unit_test(the_short_form_is_the_first_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
