package io.sluice.interception.maps;

import java.util.List;

/**
 * Entries of one map, decoded, as a table.
 *
 * @param map its name
 * @param columns headings
 * @param rows one per entry, as many cells as columns
 */
public record MapDump(String map, List<String> columns, List<List<String>> rows) {
  public MapDump {
    columns = List.copyOf(columns);
    rows = rows.stream().map(List::copyOf).toList();
  }
}
