-- loss_reasons.sql: why leads are lost or junk, in their order.
select key, name_ru, name_en, kind, needs_comment, position from loss_reason order by position, key;
