package io.sluice.charts;

import java.util.function.Predicate;

/**
 * One value that changes what is rendered.
 *
 * @param path of the value, with dots
 * @param value it is set to
 * @param base everything else
 * @param seen what then holds, and does not hold for {@code base} alone
 */
record Switch(String path, String value, Chart base, Predicate<Objects> seen) {
  static Switch of(String path, String value, Predicate<Objects> seen) {
    return new Switch(path, value, Chart.asItComes(), seen);
  }

  /** The same beside values that it needs. */
  Switch beside(String yaml) {
    return new Switch(path, value, base.with(yaml), seen);
  }

  /** The same on another Kubernetes. */
  Switch on(String version) {
    return new Switch(path, value, base.on(version), seen);
  }

  Chart chart() {
    boolean isTruth = value.equals("true") || value.equals("false");
    return base.with(Yaml.nested(path, isTruth ? value : "'" + value + "'"));
  }

  @Override
  public String toString() {
    return path + "=" + value;
  }
}
