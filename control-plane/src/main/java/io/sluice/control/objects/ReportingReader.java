package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.Reporting;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads what {@code spec.observability} of a MeshConfig says that collectors are told. */
final class ReportingReader {
  /** Below {@code spec.observability}. */
  static final String BUDGET = "budget";

  private static final Pattern PER_DAY =
      Pattern.compile("([1-9][0-9]{0,12})(Ki|Mi|Gi|Ti|k|M|G|T|)/day");

  private static final Map<String, Long> UNITS =
      Map.of(
          "k",
          1_000L,
          "M",
          1_000_000L,
          "G",
          1_000_000_000L,
          "T",
          1_000_000_000_000L,
          "Ki",
          1L << 10,
          "Mi",
          1L << 20,
          "Gi",
          1L << 30,
          "Ti",
          1L << 40);

  private ReportingReader() {}

  /** What is told; of what has a problem nothing. */
  static Reporting read(Fields observability, String namespace) {
    return new Reporting(
        TracingReader.read(observability, namespace),
        RemoteLoggingReader.read(observability),
        observability
            .parsed(BUDGET, ReportingReader::octets, "write 1Mi/day to 1Ti/day, such as 20Mi/day")
            .orElse(Reporting.NO_BUDGET));
  }

  /** Of a day, as a quantity of Kubernetes without a fraction. */
  private static long octets(String text) {
    if (text.isEmpty()) {
      return Reporting.NO_BUDGET;
    }
    Matcher read = PER_DAY.matcher(text);
    if (!read.matches()) {
      throw new IllegalArgumentException("'" + text + "' is no number of bytes a day");
    }
    long unit = UNITS.getOrDefault(read.group(2), 1L);
    long count = Long.parseLong(read.group(1));
    if (count > Reporting.MOST_BUDGET / unit || count * unit < Reporting.LEAST_BUDGET) {
      throw new IllegalArgumentException("'" + text + "' is outside 1Mi/day..1Ti/day");
    }
    return count * unit;
  }
}
