package io.sluice.mesh;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import io.sluice.api.envoy.core.Node;
import io.sluice.api.envoy.discovery.DeltaDiscoveryRequest;
import io.sluice.api.envoy.discovery.DeltaDiscoveryResponse;
import io.sluice.api.traffic.v1.PodTraffic;
import io.sluice.api.traffic.v1.TrafficReport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * How a controller asks a node what it has counted of requests of late, between changes on the
 * stream of resources: a response of {@link #TYPE_URL} is a question, requests of it with the same
 * nonce are its answer. Only a node that says {@link #KNOWN} is asked; it begins to count when it
 * is asked for the first time, so that one whom nobody will ask does not.
 */
public final class TrafficCodec {
  public static final String TYPE_URL =
      "type.googleapis.com/" + TrafficReport.getDescriptor().getFullName();

  /** In the metadata of a node that answers; in an answer, a {@link TrafficReport} in base64. */
  public static final String KNOWN = "sluice.io/traffic";

  /** How far back an answer goes, or up to a third further. */
  public static final Duration WINDOW = Duration.ofSeconds(30);

  /** Sets of ends in one answer. */
  public static final int MOST = 2_000;

  /** Bytes of one answer. */
  public static final int MOST_BYTES = 1 << 20;

  /**
   * Requests in one answer, and microseconds that one took: far more than there are, and so few
   * that sums over all nodes of a mesh do not overflow.
   */
  public static final long MOST_COUNTED = 1L << 40;

  /** Leaves room for one more in a message of {@link WireLimits#REQUEST_BYTES}. */
  private static final int PART_BYTES = WireLimits.REQUEST_BYTES / 2;

  private TrafficCodec() {}

  public static DeltaDiscoveryResponse question(String nonce) {
    return DeltaDiscoveryResponse.newBuilder().setTypeUrl(TYPE_URL).setNonce(nonce).build();
  }

  /** The parts of an answer; one at least. What is beyond the bounds is left out. */
  public static List<DeltaDiscoveryRequest> answer(String nonce, List<PodTraffic> traffic) {
    List<DeltaDiscoveryRequest> parts = new ArrayList<>();
    TrafficReport.Builder part = TrafficReport.newBuilder();
    int size = 0;
    int all = 0;
    for (PodTraffic each : traffic.subList(0, Math.min(MOST, traffic.size()))) {
      all += each.getSerializedSize();
      if (all > MOST_BYTES) {
        break;
      }
      if (size > PART_BYTES) {
        parts.add(part(nonce, part));
        part = TrafficReport.newBuilder();
        size = 0;
      }
      part.addTraffic(each);
      size += each.getSerializedSize();
    }
    parts.add(part(nonce, part.setLast(true)));
    return parts;
  }

  private static DeltaDiscoveryRequest part(String nonce, TrafficReport.Builder content) {
    return DeltaDiscoveryRequest.newBuilder()
        .setTypeUrl(TYPE_URL)
        .setResponseNonce(nonce)
        .setNode(
            Node.newBuilder()
                .setMetadata(
                    Struct.newBuilder()
                        .putFields(
                            KNOWN,
                            Value.newBuilder()
                                .setStringValue(
                                    Base64.getEncoder()
                                        .encodeToString(content.build().toByteArray()))
                                .build())))
        .build();
  }

  /**
   * What a part of an answer holds.
   *
   * @throws IllegalArgumentException where it makes no sense
   */
  public static TrafficReport report(DeltaDiscoveryRequest part) {
    String text =
        part.getNode()
            .getMetadata()
            .getFieldsOrDefault(KNOWN, Value.getDefaultInstance())
            .getStringValue();
    try {
      return TrafficReport.parseFrom(Base64.getDecoder().decode(text));
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }
}
