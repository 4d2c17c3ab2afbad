-- Stock to try things with: SKU-1 to SKU-1002, a thousand million pieces each, and one that is sold out. Again and again
-- harmless: what is there already stays as it is.
WITH added AS (
    INSERT INTO inventory.stock (sku, on_hand)
    SELECT 'SKU-' || n, 1000000000 * 1000::bigint FROM generate_series(1, 1002) AS n
    UNION ALL
    SELECT 'SKU-SOLDOUT', 0
    ON CONFLICT DO NOTHING
    RETURNING sku, on_hand
)
INSERT INTO inventory.movement (sku, kind, quantity)
SELECT sku, 'received', on_hand FROM added;
