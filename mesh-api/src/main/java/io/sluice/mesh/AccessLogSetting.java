package io.sluice.mesh;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a Telemetry says of the access log of pods.
 *
 * @param name namespace and name of the Telemetry
 * @param isOfMesh whether it is for pods of every namespace, as it is in the mesh's own, and not
 *     for those of its namespace alone
 * @param createdSecond when it was made, by the epoch: of two for one pod the older one counts
 * @param selector labels that its pods have; empty for all
 * @param formatOrNull how a line is written; null for the usual one
 * @param collectorOrNull who is sent each line too; null for nobody
 */
public record AccessLogSetting(
    NamespacedName name,
    boolean isOfMesh,
    long createdSecond,
    Map<String, String> selector,
    @Nullable LogFormat formatOrNull,
    @Nullable Collector collectorOrNull)
    implements MeshObject {
  /** Labels of one selector. */
  public static final int MOST_LABELS = 64;

  public AccessLogSetting {
    selector = Map.copyOf(selector);
    if (selector.size() > MOST_LABELS) {
      throw new IllegalArgumentException(
          "it selects by " + selector.size() + " labels, more than " + MOST_LABELS);
    }
  }

  /**
   * A collector of OpenTelemetry, and what it is told beside the line.
   *
   * @param protocol how it is told
   * @param connectMillis for which a connection is waited for
   * @param attributes of each line, by name
   */
  public record Collector(
      NamedServer server,
      Protocol protocol,
      long connectMillis,
      Map<String, LogFormat> attributes) {
    /** Where an ExtensionService does not say. */
    public static final long DEFAULT_CONNECT_MILLIS = 1_000;

    /** Attributes of one. */
    public static final int MOST_ATTRIBUTES = 32;

    /** Of the name of one, and of its value as it is written. */
    public static final int MOST_CHARACTERS = 256;

    /** OTLP's. */
    public enum Protocol {
      GRPC,
      HTTP
    }

    public Collector {
      attributes = Map.copyOf(attributes);
      NamedServer.requireTimeout(connectMillis);
      if (attributes.size() > MOST_ATTRIBUTES) {
        throw new IllegalArgumentException(
            "there are " + attributes.size() + " attributes, more than " + MOST_ATTRIBUTES);
      }
      for (String name : attributes.keySet()) {
        if (name.isEmpty() || name.length() > MOST_CHARACTERS) {
          throw new IllegalArgumentException(
              "'" + Printable.text(name, 80) + "' is no name of 1.." + MOST_CHARACTERS);
        }
      }
    }
  }

  /** Whether it is for a pod with these labels, where it is for the pod's namespace. */
  public boolean selects(Map<String, String> labels) {
    return labels.entrySet().containsAll(selector.entrySet());
  }

  @Override
  public Kind<AccessLogSetting> kind() {
    return Kind.ACCESS_LOG;
  }
}
