package io.sluice.cli.output;

/**
 * Values of {@code -o}. Lower case, since they are typed. {@code wide} is a table with all columns,
 * whole, however wide the terminal is.
 */
public enum OutputFormat {
  table,
  wide,
  json
}
