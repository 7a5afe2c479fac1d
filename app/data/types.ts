import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server';
import type { AppRouter } from '../../server/api/router';

type Outputs = inferRouterOutputs<AppRouter>;

export type Me = Outputs['me']['get'];
export type RequestRow = Outputs['approvals']['list']['items'][number];
export type RequestDetail = Outputs['approvals']['get'];
export type StatementRow = Outputs['audit']['search']['items'][number];
export type StatementDetail = Outputs['audit']['get'];
export type Bucket = Outputs['audit']['histogram'][number];
export type ActionRow = Outputs['audit']['actions']['items'][number];
export type SessionRow = Outputs['sessions']['list']['items'][number];
export type ConnectionRow = Outputs['connections']['list'][number];
export type ConnectionProof = Outputs['connections']['enforcement'];
export type TestStage = Outputs['connections']['test']['stages'][number];
export type RuleRow = Outputs['rules']['list'][number];
export type MaskingRow = Outputs['masking']['list'][number];
export type SchemaColumn = Outputs['masking']['columns'][number];
export type MaskingPreview = Outputs['masking']['preview'];
export type CheckResult = Outputs['check']['run'];
export type PrincipalRow = Outputs['principals']['list'][number];
export type TokenRow = Outputs['tokens']['list'][number];
export type PolicyChange = Outputs['policy']['applyYaml']['changes'][number];
export type ChannelRow = Outputs['notifications']['list'][number];
export type DeliveryRow = Outputs['notifications']['deliveries']['items'][number];
export type ChannelDraft = inferRouterInputs<AppRouter>['notifications']['save'];
export type RuleDraft = inferRouterInputs<AppRouter>['rules']['save'];
export type MaskingDraft = inferRouterInputs<AppRouter>['masking']['save'];
