package io.sluice.chaos;

import io.sluice.mesh.MeshObject;
import io.sluice.mesh.MeshSnapshot;
import io.sluice.mesh.ResourceKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What is not as it should be, one line for each object. */
final class Differences {
  private Differences() {}

  /** Between snapshots, whatever their revisions. */
  static List<String> between(String where, MeshSnapshot expected, MeshSnapshot found) {
    Map<ResourceKey, MeshObject> wanted = byKey(expected);
    Map<ResourceKey, MeshObject> rest = byKey(found);
    List<String> differences = new ArrayList<>();
    wanted.forEach((key, resource) -> {
      MeshObject other = rest.remove(key);
      if (!resource.equals(other)) {
        differences.add(where + ": " + key + " is " + other + ", not " + resource);
      }
    });
    rest.forEach((key, resource) ->
        differences.add(where + ": " + key + " is " + resource + ", and should not be there"));
    return differences;
  }

  private static Map<ResourceKey, MeshObject> byKey(MeshSnapshot snapshot) {
    Map<ResourceKey, MeshObject> resources = new HashMap<>();
    snapshot.objects().forEach(one -> resources.put(one.key(), one));
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
