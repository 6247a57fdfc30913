package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.Reporting;
import io.sluice.mesh.ServerTls;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads what {@code spec.observability} of a MeshConfig says that collectors are told. */
final class ReportingReader {
  /** Below {@code spec.observability}. */
  static final String BUDGET = "budget";

  /** Of a collector, in {@code tracing} and {@code remoteLogging}. */
  static final String ADDRESS = "address";

  /** What part is sampled, likewise. */
  static final String FRACTION = "sampledFraction";

  private static final Pattern PER_DAY =
      Pattern.compile("([1-9][0-9]{0,12})(Ki|Mi|Gi|Ti|k|M|G|T|)/day");

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
    long unit = unit(read.group(2));
    long count = Long.parseLong(read.group(1));
    if (count > Reporting.MOST_BUDGET / unit || count * unit < Reporting.LEAST_BUDGET) {
      throw new IllegalArgumentException("'" + text + "' is outside 1Mi/day..1Ti/day");
    }
    return count * unit;
  }

  private static long unit(String suffix) {
    return switch (suffix) {
      case "" -> 1;
      case "k" -> 1_000;
      case "M" -> 1_000_000;
      case "G" -> 1_000_000_000;
      case "T" -> 1_000_000_000_000L;
      case "Ki" -> 1L << 10;
      case "Mi" -> 1L << 20;
      case "Gi" -> 1L << 30;
      case "Ti" -> 1L << 40;
      default -> throw new AssertionError(suffix); // the pattern has no other
    };
  }

  /** Null after a problem was told. */
  static @Nullable NamedServer collector(
      Fields fields, String address, int port, Optional<ServerTls> tls) {
    try {
      return new NamedServer(address, port, tls.orElse(null));
    } catch (IllegalArgumentException e) {
      fields.problem(
          ADDRESS,
          address.isEmpty() ? "it names no collector" : String.valueOf(e.getMessage()),
          "write a host name or an IP address, without a scheme or port");
      return null;
    }
  }

  /** A part of all, by default the whole: a number, or text, as osm-edge and FSM have it. */
  static double fraction(Fields fields) {
    return fields.isText(FRACTION)
        ? fields
            .parsed(FRACTION, ReportingReader::fraction, "write 0 to 1, such as 0.1")
            .orElse(1.0)
        : Math.min(1, fields.share(FRACTION));
  }

  private static double fraction(String text) {
    if (!text.matches("[01]|0?\\.[0-9]{1,9}|1\\.0{1,9}")) {
      throw new IllegalArgumentException("'" + text + "' is outside 0..1");
    }
    return Double.parseDouble(text);
  }

  /** Paths of fields that no version of it has. */
  static List<String> unknown(Fields observability) {
    Fields tracing = observability.objectOrEmpty(TracingReader.FIELD);
    Fields lines = observability.objectOrEmpty(RemoteLoggingReader.FIELD);
    return Stream.of(
            tracing.unknown(TracingReader.FIELDS),
            ServerTlsReader.unknown(tracing),
            lines.unknown(RemoteLoggingReader.FIELDS),
            ServerTlsReader.unknown(lines))
        .flatMap(List::stream)
        .toList();
  }
}
