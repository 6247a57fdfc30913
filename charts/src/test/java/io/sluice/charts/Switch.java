package io.sluice.charts;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
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
    List<String> keys = Arrays.asList(path.split("\\."));
    Collections.reverse(keys);
    String yaml = "'" + value + "'";
    if (value.equals("true") || value.equals("false")) {
      yaml = value;
    }
    for (String key : keys) {
      yaml = "{" + key + ": " + yaml + "}";
    }
    return base.with(yaml);
  }

  @Override
  public String toString() {
    return path + "=" + value;
  }
}
