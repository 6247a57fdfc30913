package io.sluice.cli.output;

/**
 * Values of {@code -o}. Lower case, since they are typed. {@code wide} is a table with all columns,
 * where a command has some that are usually left out.
 */
public enum OutputFormat {
  table,
  json,
  wide
}
