"""Estimators after scikit-learn's conventions: learned programs, and recurrent networks to compare with."""

from antiphon.estimators._baselines import baselines
from antiphon.estimators._crf import CRFTagger
from antiphon.estimators._ctc import CTCRecogniser
from antiphon.estimators._distil import Distillation, DistilRound, distil
from antiphon.estimators._events import predict_events
from antiphon.estimators._export import export_model, model_graph
from antiphon.estimators._families import NetworkClassifier, NetworkRegressor, NetworkTagger
from antiphon.estimators._forms import program_text, show_program
from antiphon.estimators._generate import SoundGenerator
from antiphon.estimators._hmm import HMMClassifier, HMMOptions
from antiphon.estimators._listen import Decision, Listener
from antiphon.estimators._looks import phrase
from antiphon.estimators._network import NetworkOptions
from antiphon.estimators._program import ProgramClassifier, ProgramRegressor, ProgramTagger
from antiphon.estimators._recurrent import RecurrentClassifier, RecurrentRegressor, RecurrentTagger
from antiphon.estimators._reservoir import ReservoirClassifier
from antiphon.estimators._sound_looks import listening
from antiphon.estimators._summary import hardware, looks, search_budget, search_strategy, summarise, versions
from antiphon.estimators._tasks import learn_tasks
from antiphon.estimators._tree import TreeClassifier

__all__ = [
    "CRFTagger",
    "CTCRecogniser",
    "Decision",
    "DistilRound",
    "Distillation",
    "HMMClassifier",
    "HMMOptions",
    "Listener",
    "NetworkClassifier",
    "NetworkOptions",
    "NetworkRegressor",
    "NetworkTagger",
    "ProgramClassifier",
    "ProgramRegressor",
    "ProgramTagger",
    "RecurrentClassifier",
    "RecurrentRegressor",
    "RecurrentTagger",
    "ReservoirClassifier",
    "SoundGenerator",
    "TreeClassifier",
    "baselines",
    "distil",
    "export_model",
    "hardware",
    "learn_tasks",
    "listening",
    "looks",
    "model_graph",
    "phrase",
    "predict_events",
    "program_text",
    "search_budget",
    "search_strategy",
    "show_program",
    "summarise",
    "versions",
]
