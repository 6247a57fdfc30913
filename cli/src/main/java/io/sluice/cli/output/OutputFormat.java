package io.sluice.cli.output;

/** Values of {@code -o}. Lower case, since they are typed. */
public enum OutputFormat {
  table,
  json
}
