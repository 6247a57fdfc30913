package io.sluice.chaos;

import io.sluice.mesh.MeshSnapshot;
import io.sluice.wire.MeshResource;
import io.sluice.wire.ResourceEncoder;
import io.sluice.wire.ResourceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What is not as it should be, one line for each object. */
final class Differences {
  private Differences() {}

  /** Between snapshots, whatever their revisions. */
  static List<String> between(String where, MeshSnapshot expected, MeshSnapshot found) {
    Map<ResourceKey, MeshResource> wanted = byKey(expected);
    Map<ResourceKey, MeshResource> rest = byKey(found);
    List<String> differences = new ArrayList<>();
    wanted.forEach((key, resource) -> {
      MeshResource other = rest.remove(key);
      if (!resource.equals(other)) {
        differences.add(where + ": " + key + " is " + other + ", not " + resource);
      }
    });
    rest.forEach((key, resource) ->
        differences.add(where + ": " + key + " is " + resource + ", and should not be there"));
    return differences;
  }

  private static Map<ResourceKey, MeshResource> byKey(MeshSnapshot snapshot) {
    Map<ResourceKey, MeshResource> resources = new HashMap<>();
    ResourceEncoder.resources(snapshot).forEach(one -> resources.put(one.key(), one));
    return resources;
  }

  /** Between lines, in whatever order. */
  static List<String> between(String where, List<String> expected, List<String> found) {
    List<String> differences = new ArrayList<>();
    List<String> rest = new ArrayList<>(found);
    for (String line : expected) {
      if (!rest.remove(line)) {
        differences.add(where + ": does not say '" + line + "'");
      }
    }
    rest.forEach(line -> differences.add(where + ": says '" + line + "'"));
    return differences;
  }
}
