package io.sluice.charts;

import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.annotation.JsonDeserialize;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.LabelSelector;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * As much of the Prometheus operator's PodMonitor as the chart uses; what is not here is unknown.
 */
@JsonDeserialize(using = JsonDeserializer.None.class) // not the one of generic resources
public final class PodMonitor implements HasMetadata {
  private static final long serialVersionUID = 1;

  private String apiVersion = "";
  private @Nullable ObjectMeta metadata;
  private @Nullable Spec spec;

  /** What is scraped, and how. */
  public record Spec(LabelSelector selector, List<Endpoint> podMetricsEndpoints) {}

  /** A port of the pods. */
  public record Endpoint(
      @Nullable String port,
      String path,
      String interval,
      boolean honorLabels,
      @Nullable List<Relabeling> relabelings) {
    /** Those that there are. */
    List<Relabeling> rules() {
      return relabelings == null ? List.of() : relabelings;
    }
  }

  /** How a label of a target comes about. */
  public record Relabeling(
      @Nullable List<String> sourceLabels,
      @Nullable String regex,
      String targetLabel,
      @Nullable String replacement) {}

  @Override
  public String getKind() {
    return "PodMonitor";
  }

  /** The kind is in the class. */
  public void setKind(String ignored) {}

  @Override
  public String getApiVersion() {
    return apiVersion;
  }

  @Override
  public void setApiVersion(String version) {
    apiVersion = version;
  }

  @Override
  public @Nullable ObjectMeta getMetadata() {
    return metadata;
  }

  @Override
  public void setMetadata(ObjectMeta given) {
    metadata = given;
  }

  /** What is scraped. */
  public @Nullable Spec getSpec() {
    return spec;
  }

  /** What is scraped. */
  public void setSpec(Spec given) {
    spec = given;
  }
}
