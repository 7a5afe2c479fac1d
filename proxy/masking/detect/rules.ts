import type { Detector, MaskSpec } from '../../../db/schema/shapes';
import { appliesTo, type MaskingScope } from '../applies';

/** A masking rule as far as it looks into content. observe: hits are counted and the cell leaves as it is. */
export interface DetectingRule {
  /** The masking rule's name. */
  rule: string;
  detectors: readonly Detector[];
  spec: MaskSpec;
  mode: 'observe' | 'enforce';
}

/** The rules that look into the cells of this principal's results on this connection. */
export function detectionFor(scope: MaskingScope): DetectingRule[] {
  return scope.masking.flatMap((rule) =>
    rule.mode !== 'off' && rule.detect.length > 0 && appliesTo(rule, scope)
      ? [{ rule: rule.name, detectors: rule.detect, spec: rule.mask, mode: rule.mode }]
      : [],
  );
}

/** Whether content is masked, and not only counted. */
export const enforcesDetection = (rules: readonly DetectingRule[]): boolean => rules.some((rule) => rule.mode === 'enforce');
