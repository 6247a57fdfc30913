package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads the objects of one file. Kinds that the mesh does not know become {@link OtherObject}s;
 * fields that it does not read are ignored; in fields that it reads, every wrong type or range is a
 * problem. A {@code List} of the core API stands for its items.
 */
public final class ObjectReader {
  private static final Map<GroupKind, ReadableKind> KINDS = kinds();

  private final String file;
  private final List<KubernetesObject> objects = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();

  private ObjectReader(String file) {
    this.file = file;
  }

  /** Reads {@code content}; never throws for what the content holds. */
  public static ReadObjects read(String file, byte[] content) {
    YamlDocuments yaml = YamlDocuments.read(file, content);
    var reader = new ObjectReader(file);
    reader.problems.addAll(yaml.problems());
    for (YamlValue document : yaml.documents()) {
      reader.readDocument(document, "");
    }
    if (reader.objects.isEmpty() && reader.problems.isEmpty()) {
      // Most often a file that is being written at this moment.
      reader.problems.add(
          new Problem(
              file,
              0,
              "",
              "the file holds no object",
              "write an object, or remove the file to remove its objects"));
    }
    return new ReadObjects(reader.objects, reader.problems);
  }

  private void readDocument(YamlValue value, String path) {
    if (!(value instanceof YamlValue.Mapping mapping)) {
      problems.add(
          new Problem(
              file,
              value.line(),
              path,
              "this is " + value.description() + ", not a Kubernetes object",
              "start with apiVersion, kind and metadata"));
      return;
    }
    var document = new Fields(file, path, mapping, problems::add);
    int before = problems.size();
    String apiVersion = document.requiredText("apiVersion");
    String kind = document.requiredText("kind");
    if (problems.size() > before) {
      return;
    }
    if (apiVersion.equals("v1") && kind.equals("List")) {
      readItems(document, mapping, path);
      return;
    }
    int slash = apiVersion.indexOf('/');
    String group = slash < 0 ? "" : apiVersion.substring(0, slash);
    String version = apiVersion.substring(slash + 1);
    KubernetesObject object = readObject(document, group, version, kind);
    if (problems.size() == before) {
      objects.add(object);
    }
  }

  private void readItems(Fields document, YamlValue.Mapping mapping, String path) {
    if (!path.isEmpty()) {
      document.problem("kind", "a List inside a List", "put its items into the outer List");
      return;
    }
    if (document.objects("items").isEmpty()) {
      return;
    }
    if (mapping.entries().get("items") instanceof YamlValue.Sequence items) {
      for (int i = 0; i < items.items().size(); i++) {
        if (items.items().get(i) instanceof YamlValue.Mapping) {
          readDocument(items.items().get(i), "items[" + i + "]");
        }
      }
    }
  }

  private static KubernetesObject readObject(
      Fields document, String group, String version, String kind) {
    ReadableKind readable = KINDS.get(new GroupKind(group, kind));
    if (readable == null || !readable.versions().contains(version)) {
      Fields metadata = document.objectOrEmpty("metadata");
      return new OtherObject(
          MetaReader.readLeniently(document, metadata, group, kind), version, readable != null);
    }
    ObjectMeta meta = MetaReader.read(document, group, kind, !kind.equals("Namespace"));
    return readable.reader().read(document, meta);
  }

  private static KubernetesObject readNamespace(Fields document, ObjectMeta meta) {
    Fields metadata = document.objectOrEmpty("metadata");
    EnrolmentWords.check(metadata.objectOrEmpty("labels"), metadata.objectOrEmpty("annotations"));
    return new Namespace(meta);
  }

  private static Map<GroupKind, ReadableKind> kinds() {
    Map<GroupKind, ReadableKind> kinds = new HashMap<>();
    Set<String> v1 = Set.of("v1");
    kinds.put(new GroupKind("", "Namespace"), new ReadableKind(v1, ObjectReader::readNamespace));
    kinds.put(new GroupKind("", "Pod"), new ReadableKind(v1, PodReader::read));
    kinds.put(new GroupKind("", "Service"), new ReadableKind(v1, ServiceReader::readService));
    kinds.put(
        new GroupKind("", "ServiceAccount"),
        new ReadableKind(v1, (document, meta) -> new ServiceAccount(meta)));
    kinds.put(
        new GroupKind("discovery.k8s.io", "EndpointSlice"),
        new ReadableKind(v1, ServiceReader::readSlice));
    kinds.put(
        new GroupKind("access.smi-spec.io", "TrafficTarget"),
        new ReadableKind(Set.of("v1alpha3"), SmiReader::readTarget));
    Set<String> specs = Set.of("v1alpha4");
    kinds.put(
        new GroupKind("specs.smi-spec.io", "TCPRoute"),
        new ReadableKind(specs, SmiReader::readTcpRoute));
    kinds.put(
        new GroupKind("specs.smi-spec.io", "HTTPRouteGroup"),
        new ReadableKind(specs, (document, meta) -> new HttpRouteGroup(meta)));
    Map.of(
            "config.openservicemesh.io", Set.of("v1alpha1", "v1alpha2"),
            "config.flomesh.io", Set.of("v1alpha1", "v1alpha2", "v1alpha3"),
            "config.sluice.io", Set.of("v1alpha1"))
        .forEach((group, versions) ->
            kinds.put(
                new GroupKind(group, "MeshConfig"),
                new ReadableKind(new HashSet<>(versions), MeshConfigReader::read)));
    return Map.copyOf(kinds);
  }

  private interface KindReader {
    KubernetesObject read(Fields document, ObjectMeta meta);
  }

  private record GroupKind(String group, String kind) {}

  private record ReadableKind(Set<String> versions, KindReader reader) {}
}
