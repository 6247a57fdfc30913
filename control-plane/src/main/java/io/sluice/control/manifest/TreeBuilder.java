package io.sluice.control.manifest;

import io.sluice.control.manifest.YamlDocuments.BoundedParser;
import io.sluice.control.manifest.YamlValue.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * Turns the library's nodes into {@link YamlValue}s and refuses what a manifest has no use for:
 * duplicate keys, keys that are not strings, merge keys, tags of other types, cycles.
 */
final class TreeBuilder {
  /**
   * Most values in one file, counting what an alias stands for each time. A file of the largest
   * size has fewer than this; only aliases of aliases exceed it.
   */
  private static final int MAX_VALUES = 600_000;

  private static final Map<Tag, Kind> KINDS =
      Map.of(
          Tag.STR, Kind.STRING,
          Tag.INT, Kind.INTEGER,
          Tag.FLOAT, Kind.FLOAT,
          Tag.BOOL, Kind.BOOLEAN,
          Tag.NULL, Kind.NULL);

  private int values;

  /** Tree of one document. */
  YamlValue build(Node document) {
    return build(document, 0);
  }

  private YamlValue build(Node node, int depth) {
    if (depth > YamlDocuments.MAX_DEPTH) {
      throw new BoundedParser.Exceeded(
          line(node), "values are nested deeper than " + YamlDocuments.MAX_DEPTH);
    }
    if (++values > MAX_VALUES) {
      throw new BoundedParser.Exceeded(line(node), "aliases stand for too many values");
    }
    return switch (node) {
      case ScalarNode scalar -> scalar(scalar);
      case SequenceNode sequence -> {
        requireTag(sequence, Tag.SEQ);
        List<YamlValue> items = new ArrayList<>(sequence.getValue().size());
        for (Node item : sequence.getValue()) {
          items.add(build(item, depth + 1));
        }
        yield new YamlValue.Sequence(items, line(node));
      }
      case MappingNode mapping -> {
        requireTag(mapping, Tag.MAP);
        yield mapping(mapping, depth);
      }
      default -> throw new Refused(line(node), "this YAML construct is not supported", "remove it");
    };
  }

  private static YamlValue scalar(ScalarNode scalar) {
    Kind kind = KINDS.get(scalar.getTag());
    if (kind == null) {
      throw refusedTag(scalar);
    }
    return new YamlValue.Scalar(scalar.getValue(), kind, line(scalar));
  }

  private YamlValue mapping(MappingNode mapping, int depth) {
    Map<String, YamlValue> entries = new LinkedHashMap<>();
    Map<String, Integer> keyLines = new HashMap<>();
    for (NodeTuple tuple : mapping.getValue()) {
      Node keyNode = tuple.getKeyNode();
      String key = key(keyNode);
      if (entries.containsKey(key)) {
        throw new Refused(
            line(keyNode), "the key '" + key + "' appears twice", "keep one of the two");
      }
      entries.put(key, build(tuple.getValueNode(), depth + 1));
      keyLines.put(key, line(keyNode));
    }
    return new YamlValue.Mapping(entries, keyLines, line(mapping));
  }

  private static String key(Node node) {
    if (!(node instanceof ScalarNode scalar) || !scalar.getTag().equals(Tag.STR)) {
      if (node instanceof ScalarNode merge && merge.getValue().equals("<<")) {
        throw mergeKey(node);
      }
      throw new Refused(line(node), "a key is not a string", "put the key in quotes");
    }
    if (scalar.isPlain() && scalar.getValue().equals("<<")) {
      throw mergeKey(node);
    }
    return scalar.getValue();
  }

  private static Refused mergeKey(Node node) {
    return new Refused(
        line(node), "the merge key '<<' does not exist in YAML 1.2", "write the fields out");
  }

  private static void requireTag(Node node, Tag expected) {
    if (!node.getTag().equals(expected)) {
      throw refusedTag(node);
    }
  }

  private static Refused refusedTag(Node node) {
    return new Refused(
        line(node), "the tag " + node.getTag().getValue() + " has no meaning here", "remove it");
  }

  private static int line(Node node) {
    return node.getStartMark().map(mark -> mark.getLine() + 1).orElse(0);
  }

  /** A construct that is YAML but not for manifests. */
  static final class Refused extends YamlEngineException {
    private static final long serialVersionUID = 1L;
    private final int line;
    private final String mend;

    Refused(int line, String reason, String mend) {
      super(reason);
      this.line = line;
      this.mend = mend;
    }

    int line() {
      return line;
    }

    String mend() {
      return mend;
    }
  }
}
