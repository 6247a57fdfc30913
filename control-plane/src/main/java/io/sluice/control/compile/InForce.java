package io.sluice.control.compile;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an earlier compilation decided between objects that stand against each other, and what the
 * next one therefore keeps: by itself a set of objects does not tell who was first.
 *
 * @param pods who has addresses, network namespaces and UIDs
 * @param services who has cluster IPs
 * @param configOrNull which MeshConfig governs and what it says; null before the first
 * @param podRangesBind whether Pods had to have addresses of their Node's ranges
 */
public record InForce(
    Map<Object, String> pods,
    Map<Object, String> services,
    ConfigCompiler.@Nullable Settings configOrNull,
    boolean podRangesBind) {
  /** After a start: the older object has what two claim. */
  public static final InForce NOTHING = new InForce(Map.of(), Map.of(), null, false);

  public InForce {
    pods = Map.copyOf(pods);
    services = Map.copyOf(services);
  }
}
