package io.sluice.control.objects;

import io.sluice.control.manifest.Documents;
import io.sluice.control.manifest.Fields;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * Reads the objects of one file. Kinds that the mesh does not know become {@link OtherObject}s;
 * fields that it does not read are ignored; in fields that it reads, every wrong type or range is a
 * problem. A {@code List} of the core API stands for its items.
 */
public final class ObjectReader {
  private static final Logger LOG = System.getLogger(ObjectReader.class.getName());
  private static final String OTHER = "other";

  /** Kinds of objects that a reader has failed at, each told once. */
  private static final Set<String> FAILED = ConcurrentHashMap.newKeySet();

  private final String file;
  private final Provenance provenance;
  private final List<KubernetesObject> objects = new ArrayList<>();
  private final List<Problem> problems = new ArrayList<>();

  private ObjectReader(String file, Provenance provenance) {
    this.file = file;
    this.provenance = provenance;
  }

  /** Reads {@code content} of a folder; never throws for what the content holds. */
  public static ReadObjects read(String file, byte[] content) {
    return read(file, content, Provenance.FOLDER);
  }

  /** Reads {@code content}; never throws for what the content holds. */
  public static ReadObjects read(String file, byte[] content, Provenance provenance) {
    YamlDocuments yaml = YamlDocuments.read(file, content);
    var reader = new ObjectReader(file, provenance);
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
    return new ReadObjects(reader.objects, Documents.located(yaml, reader.problems));
  }

  /**
   * Reads an object that the API server gave as one of {@code kind}, whatever it says of its own
   * kind: in lists, the API server leaves that out.
   *
   * @param origin what problems give as their file
   */
  public static ReadObjects read(String origin, ReadableKind kind, YamlValue.Mapping object) {
    return read(origin, kind.kind(), object, fields -> kind.read(fields, Provenance.API_SERVER));
  }

  /** The same with {@code reader}. */
  static ReadObjects read(
      String origin,
      String kind,
      YamlValue.Mapping object,
      Function<Fields, KubernetesObject> reader) {
    List<Problem> problems = new ArrayList<>();
    Optional<KubernetesObject> read =
        tried(kind, new Fields(origin, "", object, problems::add), reader);
    return new ReadObjects(problems.isEmpty() ? read.stream().toList() : List.of(), problems);
  }

  /** What {@code reader} makes of one object: a mistake in it is that object's problem alone. */
  private static Optional<KubernetesObject> tried(
      String kind, Fields document, Function<Fields, KubernetesObject> reader) {
    try {
      return Optional.of(reader.apply(document));
    } catch (RuntimeException e) {
      if (FAILED.add(kind)) { // whoever writes objects would fill the log
        LOG.log(Level.ERROR, "object_unreadable kind=" + kind, e);
      }
      document.problem(
          "kind",
          "it cannot be read: " + e,
          "write it otherwise, and report this: its fields should have been named");
      return Optional.empty();
    }
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
    Optional<ReadableKind> readable = ReadableKind.of(group, kind);
    Optional<KubernetesObject> object =
        tried(
            readable.map(ReadableKind::kind).orElse(OTHER),
            document,
            fields -> readObject(fields, readable, group, version, kind));
    if (problems.size() == before) {
      object.ifPresent(objects::add);
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

  private KubernetesObject readObject(
      Fields document, Optional<ReadableKind> readable, String group, String version, String kind) {
    return readable
        .filter(known -> known.versions().contains(version))
        .map(known -> known.read(document, provenance))
        .orElseGet(() -> other(document, group, version, kind, readable.isPresent()));
  }

  private static OtherObject other(
      Fields document, String group, String version, String kind, boolean isReadInOtherVersion) {
    Fields metadata = document.objectOrEmpty("metadata");
    return new OtherObject(
        MetaReader.readLeniently(document, metadata, group, kind), version, isReadInOtherVersion);
  }

  /** Who wrote an object, and so what is believed of it. */
  public enum Provenance {
    /** The node's or the mesh's administrator, into a folder: all of it. */
    FOLDER,
    /**
     * Whoever may write the object in a cluster. A Pod's namespace annotation would let its author
     * name a file of the node, and a Pod to which the API server's admission gave no service
     * account has none: a kubelet makes mirror pods in every namespace.
     */
    API_SERVER
  }

  /**
   * What a file holds.
   *
   * @param objects its objects, in order; complete only when there is no problem
   * @param problems what in it cannot be used, each once however often it was read
   */
  public record ReadObjects(List<KubernetesObject> objects, List<Problem> problems) {
    public ReadObjects {
      objects = List.copyOf(objects);
      problems = problems.stream().distinct().toList();
    }
  }
}
